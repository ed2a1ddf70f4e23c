{#- in: two dates; out: whole days from the first to the second, bigint. -#}
{% macro days_between(starts_on, ends_on) %}
    {{- return(adapter.dispatch('days_between')(starts_on, ends_on)) -}}
{% endmacro %}
{% macro default__days_between(starts_on, ends_on) -%}
    date_diff('day', {{ starts_on }}, {{ ends_on }})
{%- endmacro %}
{% macro spark__days_between(starts_on, ends_on) -%}
    datediff({{ ends_on }}, {{ starts_on }})
{%- endmacro %}
