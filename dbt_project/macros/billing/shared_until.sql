{#-
    in: a whole total >= 0, and seconds of the whole seconds (> 0) that it took; out: what of it had
    come by then if it came evenly, whole, rounded down. Exact: nothing is multiplied beyond bigint.
-#}
{% macro shared_until(total, seconds, whole_seconds) -%}
    {%- set rest = '((' ~ total ~ ') % (' ~ whole_seconds ~ '))' -%}
    (
        {{ integer_divide(total, whole_seconds) }} * ({{ seconds }})
        + {{ integer_divide(rest ~ ' * (' ~ seconds ~ ')', whole_seconds) }}
    )
{%- endmacro %}
