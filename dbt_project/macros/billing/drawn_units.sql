{#- in: what is wanted of an allowance up to and with this row, what this row wants of it, and what
    there is of it; out: what this row draws. A row below zero gives back, last drawn first. -#}
{% macro drawn_units(cumulated, wanted, available) -%}
    least(greatest({{ cumulated }}, 0), {{ available }})
    - least(greatest({{ cumulated }} - {{ wanted }}, 0), {{ available }})
{%- endmacro %}
