{#- in: an expression; out, as an aggregate: its median, the lower one of an even number. -#}
{% macro lower_median(expression) %}
    {{- return(adapter.dispatch('lower_median')(expression)) -}}
{% endmacro %}
{% macro default__lower_median(expression) -%}
    percentile_disc(0.5) within group (order by {{ expression }})
{%- endmacro %}
{% macro spark__lower_median(expression) -%}
    element_at(
        array_sort(collect_list({{ expression }})), cast((count({{ expression }}) + 1) div 2 as int)
    )
{%- endmacro %}
