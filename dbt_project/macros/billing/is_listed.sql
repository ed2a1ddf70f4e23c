{#- in: a list of values separated by spaces (null or `*`: any), and a value; out: whether the list
    has it. -#}
{% macro is_listed(list, value) -%}
    (
        coalesce({{ list }}, '*') = '*'
        or instr(concat(' ', {{ list }}, ' '), concat(' ', cast({{ value }} as string), ' ')) > 0
    )
{%- endmacro %}

{#- in: a time of day as text, `07:00` or `07:00:30`, up to 24:00; out: seconds since midnight. -#}
{% macro seconds_of_day(time_text) -%}
    (
        cast(substr({{ time_text }}, 1, 2) as integer) * 3600
        + cast(substr({{ time_text }}, 4, 2) as integer) * 60
        + cast(coalesce(nullif(substr({{ time_text }}, 7, 2), ''), '0') as integer)
    )
{%- endmacro %}
