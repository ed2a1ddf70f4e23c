{#-
    in: two decimals (28,6), magnitudes below 10^20; out: their quotient as decimal(18,6), half away
    from zero, null when the second is 0. Whole millionths, since DuckDB's decimal / decimal is
    DOUBLE.
-#}
{% macro ratio_of(numerator, denominator) %}
    {{- return(adapter.dispatch('ratio_of')(numerator, denominator)) -}}
{% endmacro %}
{% macro default__ratio_of(numerator, denominator) -%}
    {%- set top -%}
    cast(cast({{ numerator }} as decimal(28, 6)) * 1000000 as hugeint)
    {%- endset -%}
    {%- set bottom -%}
    cast(cast(nullif({{ denominator }}, 0) as decimal(28, 6)) * 1000000 as hugeint)
    {%- endset -%}
    cast(
        cast(
            sign({{ top }}) * sign({{ bottom }})
            * ((abs({{ top }}) * 2000000 + abs({{ bottom }})) // (2 * abs({{ bottom }})))
            as decimal(32, 0)
        ) * cast(0.000001 as decimal(6, 6)) as decimal(18, 6)
    )
{%- endmacro %}
{% macro spark__ratio_of(numerator, denominator) -%}
    {%- set top -%}
    cast(cast({{ numerator }} as decimal(26, 6)) * 1000000 as decimal(26, 0))
    {%- endset -%}
    {%- set bottom -%}
    cast(cast(nullif({{ denominator }}, 0) as decimal(26, 6)) * 1000000 as decimal(26, 0))
    {%- endset -%}
    cast(
        cast(
            case when ({{ top }} < 0) = ({{ bottom }} < 0) then 1 else -1 end
            * ((abs({{ top }}) * 2000000 + abs({{ bottom }})) div (2 * abs({{ bottom }})))
            as decimal(20, 0)
        ) * cast(0.000001 as decimal(6, 6)) as decimal(18, 6)
    )
{%- endmacro %}
