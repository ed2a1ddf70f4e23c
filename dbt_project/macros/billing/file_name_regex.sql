{#- in: a text expression, a piece of a declared file name pattern; out: the regular expression of
    the shapes that it takes, a shape being a name with a 9 for each digit (D-155). -#}
{% macro file_name_regex(piece) -%}
    {%- set classes = {
        '.': '[.]', '+': '[+]', '{node}': '[A-Za-z0-9_-]+', '{date}': '9{8}', '{time}': '9{4}',
        '{sequence}': '9{1,18}', '{any}': '[A-Za-z0-9_+-]+'
    } -%}
    {%- set expression = namespace(sql="translate(" ~ piece ~ ", '012345678', '999999999')") -%}
    {%- for part, class in classes.items() -%}
        {%- set expression.sql -%}
            replace({{ expression.sql }}, '{{ part }}', '{{ class }}')
        {%- endset -%}
    {%- endfor -%}
    {{- expression.sql -}}
{%- endmacro %}
