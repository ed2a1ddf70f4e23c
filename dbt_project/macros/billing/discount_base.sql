{#-
    in: a charge's unrounded amount, the promotion's `computed_on` and the currency's minor units;
    out: decimal(18,6), what a percentage discount is computed on: the amount, or what it comes to
    as a line of the invoice.
-#}
{% macro discount_base(amount, computed_on, minor_units) -%}
    case {{ computed_on }}
        when 'rounded_lines' then cast({{ round_money(amount, minor_units) }} as decimal(18, 6))
        else {{ amount }}
    end
{%- endmacro %}
