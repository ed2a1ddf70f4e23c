{#- in: an amount (decimal(18,6)) and a percentage or rate (decimal(9,6)) over `base` (100 or 1);
    out: that share as decimal(18,6), half away from zero. -#}
{% macro share_of(amount, rate, base) -%}
    {{ price_units(
        amount, 'cast(cast(' ~ rate ~ ' as decimal(18, 6)) * 1000000 as bigint)', base * 1000000
    ) }}
{%- endmacro %}
