{#- in: a date and a whole number of months; out: the date that many months later, clamped to the
    month's last day. -#}
{% macro add_months(on_date, months) %}
    {{- return(adapter.dispatch('add_months')(on_date, months)) -}}
{% endmacro %}
{% macro default__add_months(on_date, months) -%}
    cast({{ on_date }} + to_months({{ months }}) as date)
{%- endmacro %}
{% macro spark__add_months(on_date, months) -%}
    add_months({{ on_date }}, {{ months }})
{%- endmacro %}
