{#-
    in: an amount per `per` units (decimal(18,6)), a quantity (bigint, may be negative), `per` > 0;
    out: amount * quantity / per as decimal(18,6), multiplied and divided in one exact step and
    rounded once, half away from zero. Exact up to 10^15 units. DuckDB's decimal / decimal is
    DOUBLE, so the step is done on whole millionths.
-#}
{% macro price_units(amount, quantity, per) %}
    {{- return(adapter.dispatch('price_units')(amount, quantity, per)) -}}
{% endmacro %}
{% macro default__price_units(amount, quantity, per) -%}
    {%- set millionths -%}
    (
        cast(cast({{ amount }} as decimal(28, 6)) * 1000000 as hugeint)
        * cast({{ quantity }} as hugeint)
    )
    {%- endset -%}
    cast(
        cast(
            sign({{ millionths }}) * ((2 * abs({{ millionths }}) + {{ per }}) // (2 * {{ per }}))
            as decimal(32, 0)
        ) * cast(0.000001 as decimal(6, 6)) as decimal(18, 6)
    )
{%- endmacro %}
{% macro spark__price_units(amount, quantity, per) -%}
    {%- set millionths -%}
    (cast(({{ amount }}) * 1000000 as decimal(20, 0)) * cast({{ quantity }} as decimal(16, 0)))
    {%- endset -%}
    cast(
        cast(
            case when {{ millionths }} < 0 then -1 else 1 end
            * ((2 * abs({{ millionths }}) + {{ per }}) div (2 * {{ per }})) as decimal(20, 0)
        ) * cast(0.000001 as decimal(6, 6)) as decimal(18, 6)
    )
{%- endmacro %}
