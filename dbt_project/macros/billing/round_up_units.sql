{#-
    in: measured units >= 0, the first increment, the increments after it, and whether the row is
    the first of its event; out: the units charged, rounded up. A call of 0 seconds has 0 units.
    Only the first segment of an event has an initial increment.
-#}
{% macro round_up_units(units, initial_increment, additional_increment, is_first) -%}
    case
        when {{ units }} = 0 then 0
        when {{ is_first }} and {{ units }} <= {{ initial_increment }} then {{ initial_increment }}
        when {{ is_first }}
            then {{ initial_increment }} + {{ additional_increment }} * {{ integer_divide(
                units ~ ' - ' ~ initial_increment ~ ' + ' ~ additional_increment ~ ' - 1',
                additional_increment
            ) }}
        else {{ additional_increment }} * {{ integer_divide(
            units ~ ' + ' ~ additional_increment ~ ' - 1', additional_increment
        ) }}
    end
{%- endmacro %}
