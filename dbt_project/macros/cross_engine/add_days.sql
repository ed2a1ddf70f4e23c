{#- in: a date and a whole number of days (may be negative); out: the date that many days later. -#}
{% macro add_days(on_date, days) %}
    {{- return(adapter.dispatch('add_days')(on_date, days)) -}}
{% endmacro %}
{% macro default__add_days(on_date, days) -%}
    cast({{ on_date }} + to_days({{ days }}) as date)
{%- endmacro %}
{% macro spark__add_days(on_date, days) -%}
    date_add({{ on_date }}, {{ days }})
{%- endmacro %}
