{#- out: how many allowances the same usage can draw on one after the other, a stack counting as
    one. -#}
{% macro allowance_layers() -%}
    {{ return(6) }}
{%- endmacro %}
