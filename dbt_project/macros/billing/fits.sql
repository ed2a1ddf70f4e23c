{#- in: a text and a pattern, a text or its beginning with `*` behind it; out: whether it fits. -#}
{% macro fits(text, pattern) -%}
    (
        {{ text }} = {{ pattern }}
        or concat(substr({{ text }}, 1, length({{ pattern }}) - 1), '*') = {{ pattern }}
    )
{%- endmacro %}
