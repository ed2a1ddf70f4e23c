{#-
    in: an interval's unit (`month` or `week`), how many of it, the phase (months from January 2000
    modulo the interval, or days from Monday, 3 January 2000) and the anchor day (1 for weeks);
    out: the name of the grid of periods, as int_periods__aligned has it.
-#}
{% macro grid_id(unit, interval_count, phase, anchor_day) -%}
    concat_ws(
        '-', {{ unit }}, cast({{ interval_count }} as string),
        cast(cast({{ phase }} as integer) as string), cast({{ anchor_day }} as string)
    )
{%- endmacro %}
