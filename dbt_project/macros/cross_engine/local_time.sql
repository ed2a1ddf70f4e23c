{#- in: a UTC timestamp and an IANA time zone; out: the local wall-clock timestamp. -#}
{% macro to_local_time(instant, time_zone) %}
    {{- return(adapter.dispatch('to_local_time')(instant, time_zone)) -}}
{% endmacro %}
{% macro default__to_local_time(instant, time_zone) -%}
    (({{ instant }} at time zone 'UTC') at time zone {{ time_zone }})
{%- endmacro %}
{% macro spark__to_local_time(instant, time_zone) -%}
    from_utc_timestamp({{ instant }}, {{ time_zone }})
{%- endmacro %}

{#- in: a local date or wall-clock timestamp and an IANA time zone; out: the UTC timestamp. -#}
{% macro to_utc(local_time, time_zone) %}
    {{- return(adapter.dispatch('to_utc')(local_time, time_zone)) -}}
{% endmacro %}
{% macro default__to_utc(local_time, time_zone) -%}
    ((cast({{ local_time }} as timestamp) at time zone {{ time_zone }}) at time zone 'UTC')
{%- endmacro %}
{% macro spark__to_utc(local_time, time_zone) -%}
    to_utc_timestamp(cast({{ local_time }} as timestamp), {{ time_zone }})
{%- endmacro %}
