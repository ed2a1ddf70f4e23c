{#-
    in: charged units, an amount per `per` units, `per`, and a connect fee; out: what they cost
    together as decimal(18,6). Nothing charged, or not known, costs nothing, not even to connect.
-#}
{% macro price_with_connect(units, amount, per, connect_amount) -%}
    cast(
        case
            when {{ units }} > 0 then {{ price_units(amount, units, per) }} + {{ connect_amount }}
            else 0
        end as decimal(18, 6)
    )
{%- endmacro %}
