{#-
    in: an amount and the currency's minor units (0 to 4); out: decimal(18,4), rounded half away
    from zero to the minor unit. The scale of a decimal is fixed, so the digits are chosen by case.
-#}
{% macro round_money(amount, minor_units) -%}
    cast(
        case {{ minor_units }}
            when 0 then round({{ amount }}, 0)
            when 1 then round({{ amount }}, 1)
            when 2 then round({{ amount }}, 2)
            when 3 then round({{ amount }}, 3)
            when 4 then round({{ amount }}, 4)
        end as decimal(18, 4)
    )
{%- endmacro %}

{#- in: the currency's minor units (0 to 4); out: half of one, decimal(6,5): the most that rounding
    moves. -#}
{% macro half_minor_unit(minor_units) -%}
    case {{ minor_units }}
        when 0 then cast(0.5 as decimal(6, 5))
        when 1 then cast(0.05 as decimal(6, 5))
        when 2 then cast(0.005 as decimal(6, 5))
        when 3 then cast(0.0005 as decimal(6, 5))
        when 4 then cast(0.00005 as decimal(6, 5))
    end
{%- endmacro %}
