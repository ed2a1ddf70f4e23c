{#- in: a date; out: 1 (Monday) to 7 (Sunday). -#}
{% macro iso_weekday(on_date) %}
    {{- return(adapter.dispatch('iso_weekday')(on_date)) -}}
{% endmacro %}
{% macro default__iso_weekday(on_date) -%}
    isodow({{ on_date }})
{%- endmacro %}
{% macro spark__iso_weekday(on_date) -%}
    extract(dayofweek_iso from {{ on_date }})
{%- endmacro %}
