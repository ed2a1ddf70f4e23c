{#-
    in: an amount per full period (decimal(18,6)), days charged, days of the full period;
    out: the part of the amount as decimal(18,6), half away from zero. The one proration rule.
-#}
{% macro prorate(amount, days, period_days) -%}
    {{ price_units(amount, days, period_days) }}
{%- endmacro %}
