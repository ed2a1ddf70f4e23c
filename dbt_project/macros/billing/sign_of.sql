{#- in: a number; out: 1, 0 or -1 as a whole number. An engine's own `sign` may be a float. -#}
{% macro sign_of(number) -%}
    (
        case
            when {{ number }} > 0 then 1
            when {{ number }} < 0 then -1
            when {{ number }} = 0 then 0
        end
    )
{%- endmacro %}
