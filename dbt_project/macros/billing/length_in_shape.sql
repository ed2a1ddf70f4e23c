{#- in: the shape of a file name, a declared pattern that it fits, a part of the pattern as `node`,
    and `before` or `itself`; out: how long the shape is before that part, or the part itself, null
    when the pattern has no such part. -#}
{% macro length_in_shape(shape, pattern, part, which) -%}
    {%- set mark = "'{" ~ part ~ "}'" -%}
    {%- set at = "instr(" ~ pattern ~ ", " ~ mark ~ ")" -%}
    {%- set before = file_name_regex("substr(" ~ pattern ~ ", 1, " ~ at ~ " - 1)") -%}
    {%- set after = file_name_regex(
        "substr(" ~ pattern ~ ", " ~ at ~ " + " ~ (part | length + 2) ~ ")"
    ) -%}
    {%- set group = 1 if which == 'before' else 2 -%}
    case
        when {{ at }} > 0
            then length(regexp_extract(
                {{ shape }},
                concat(
                    '^(', {{ before }}, ')(', {{ file_name_regex(mark) }}, ')', {{ after }}, '$'
                ),
                {{ group }}
            ))
    end
{%- endmacro %}
