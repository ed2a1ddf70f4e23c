{#- in: a literal count; out: a relation of one column `number`, 1 to that count. -#}
{% macro numbers(count) %}
    {{- return(adapter.dispatch('numbers')(count)) -}}
{% endmacro %}
{% macro default__numbers(count) -%}
    (select cast(range as integer) as number from range(1, {{ count + 1 }}))
{%- endmacro %}
{% macro spark__numbers(count) -%}
    (select cast(id as int) as number from range(1, {{ count + 1 }}))
{%- endmacro %}
