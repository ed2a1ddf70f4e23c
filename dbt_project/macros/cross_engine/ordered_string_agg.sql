{#- in: a text expression; out: its values joined by commas in their own order (for hashes). -#}
{% macro ordered_string_agg(expression) %}
    {{- return(adapter.dispatch('ordered_string_agg')(expression)) -}}
{% endmacro %}
{% macro default__ordered_string_agg(expression) -%}
    string_agg({{ expression }}, ',' order by {{ expression }})
{%- endmacro %}
{% macro spark__ordered_string_agg(expression) -%}
    array_join(sort_array(collect_list({{ expression }})), ',')
{%- endmacro %}
