{#- in: two timestamps; out: whole seconds from the first to the second, bigint. -#}
{% macro seconds_between(starts_at, ends_at) %}
    {{- return(adapter.dispatch('seconds_between')(starts_at, ends_at)) -}}
{% endmacro %}
{% macro default__seconds_between(starts_at, ends_at) -%}
    date_diff('second', {{ starts_at }}, {{ ends_at }})
{%- endmacro %}
{% macro spark__seconds_between(starts_at, ends_at) -%}
    (unix_seconds({{ ends_at }}) - unix_seconds({{ starts_at }}))
{%- endmacro %}
