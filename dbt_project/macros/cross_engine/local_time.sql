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

{#- in: a local date or wall-clock timestamp and an IANA time zone; out: the UTC timestamp. When the
    clock goes back, an hour comes twice: the second one is meant. One that is left out by a clock
    that goes forward lies as long after the change. -#}
{% macro to_utc(local_time, time_zone) %}
    {{- return(adapter.dispatch('to_utc')(local_time, time_zone)) -}}
{% endmacro %}
{% macro default__to_utc(local_time, time_zone) -%}
    ((cast({{ local_time }} as timestamp) at time zone {{ time_zone }}) at time zone 'UTC')
{%- endmacro %}
{#- Spark means the first: the second has the offset of three hours later, if that comes out. -#}
{% macro spark__to_utc(local_time, time_zone) -%}
    {%- set wall -%} cast({{ local_time }} as timestamp) {%- endset -%}
    {%- set first -%} to_utc_timestamp({{ wall }}, {{ time_zone }}) {%- endset -%}
    {%- set after -%} ({{ first }} + interval 3 hours) {%- endset -%}
    {%- set second -%}
    ({{ wall }} - (from_utc_timestamp({{ after }}, {{ time_zone }}) - {{ after }}))
    {%- endset -%}
    if(from_utc_timestamp({{ second }}, {{ time_zone }}) = {{ wall }}, {{ second }}, {{ first }})
{%- endmacro %}
