{#- Schemas are named as configured (`marts`, not `main_marts`): BI reads them. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
