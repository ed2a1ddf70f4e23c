{#- in: column names; out: their values as texts, null as the empty one, for `concat_ws`. -#}
{% macro texts_of(columns) -%}
    {%- for column in columns -%}
    coalesce(cast({{ column }} as string), ''){% if not loop.last %}, {% endif %}
    {%- endfor -%}
{%- endmacro %}
