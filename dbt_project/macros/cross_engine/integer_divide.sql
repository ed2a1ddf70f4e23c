{#- in: two whole numbers >= 0, the second > 0; out: the quotient rounded down, exact. -#}
{% macro integer_divide(dividend, divisor) %}
    {{- return(adapter.dispatch('integer_divide')(dividend, divisor)) -}}
{% endmacro %}
{% macro default__integer_divide(dividend, divisor) -%}
    (({{ dividend }}) // ({{ divisor }}))
{%- endmacro %}
{% macro spark__integer_divide(dividend, divisor) -%}
    (({{ dividend }}) div ({{ divisor }}))
{%- endmacro %}
