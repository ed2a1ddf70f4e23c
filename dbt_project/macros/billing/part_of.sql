{#-
    in: a total, a part and the whole it is part of (> 0), as decimals; out: the total's share that
    falls to the part, decimal(18,6), half away from zero.
-#}
{% macro part_of(total, part, whole) -%}
    {{ price_units(total, whole_millionths(part), whole_millionths(whole)) }}
{%- endmacro %}

{#- in: a decimal (28,6); out: its millionths as bigint. -#}
{% macro whole_millionths(amount) -%}
    cast(cast({{ amount }} as decimal(28, 6)) * 1000000 as bigint)
{%- endmacro %}

{#- in: an amount and an exchange rate (decimal(18,9)); out: the amount in the other currency,
    decimal(18,6), half away from zero. -#}
{% macro exchanged(amount, exchange_rate) -%}
    {{ price_units(
        amount,
        'cast(cast(' ~ exchange_rate ~ ' as decimal(28, 9)) * 1000000000 as bigint)',
        1000000000
    ) }}
{%- endmacro %}
