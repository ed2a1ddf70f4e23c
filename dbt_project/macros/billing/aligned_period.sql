{#- in: a date in the wanted month and an anchor day 1-31; out: the anchor's date in that month,
    the month's last day when the month is shorter. -#}
{% macro anchor_date(in_month, anchor_day) -%}
    make_date(
        cast(extract(year from {{ in_month }}) as integer),
        cast(extract(month from {{ in_month }}) as integer),
        cast(least({{ anchor_day }}, extract(day from last_day({{ in_month }}))) as integer)
    )
{%- endmacro %}

{#- in: a date and a whole number of months (may be an expression); out: the first of the month that
    many months later. -#}
{% macro first_of_month(on_date, months_later=0) %}
    {{- return(adapter.dispatch('first_of_month')(on_date, months_later)) -}}
{% endmacro %}
{% macro default__first_of_month(on_date, months_later) -%}
    cast(date_trunc('month', {{ on_date }}) + to_months({{ months_later }}) as date)
{%- endmacro %}
{% macro spark__first_of_month(on_date, months_later) -%}
    add_months(trunc({{ on_date }}, 'month'), {{ months_later }})
{%- endmacro %}
