{#- in: a date from 2000 on; out: the months from January 2000 to its month, integer. -#}
{% macro months_since_2000(on_date) -%}
    cast(
        (extract(year from {{ on_date }}) - 2000) * 12 + extract(month from {{ on_date }}) - 1
        as integer
    )
{%- endmacro %}
