{#- in: the relations of a promotion's turn and of what the turns before left; out: what it takes
    off the charge, decimal(18,6), never more than is left. -#}
{% macro taken_by_promotion(turn, before) -%}
    {%- set share -%}
    case {{ turn }}.stacking
        when 'on_list' then {{ share_of(turn ~ '.amount', turn ~ '.discount_percent', 100) }}
        else {{ share_of(before ~ '.left_amount', turn ~ '.discount_percent', 100) }}
    end
    {%- endset -%}
    case
        when abs({{ share }}) > abs({{ before }}.left_amount) then {{ before }}.left_amount
        else {{ share }}
    end
{%- endmacro %}
