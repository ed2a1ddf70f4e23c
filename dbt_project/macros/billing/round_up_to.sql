{#- in: a whole number and an increment > 0; out: the number away from zero to whole increments. -#}
{% macro round_up_to(units, increment) -%}
    {{ increment }} * case
        when {{ units }} < 0 then -{{ integer_divide(
            '-(' ~ units ~ ') + ' ~ increment ~ ' - 1', increment
        ) }}
        else {{ integer_divide(units ~ ' + ' ~ increment ~ ' - 1', increment) }}
    end
{%- endmacro %}
