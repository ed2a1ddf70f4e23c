{#-
    dbt-spark's own loader writes an empty cell as the text 'None', numbers as floats and quotes as
    they are. Here every cell is a text that is cast to its column's type; an empty one is null.
-#}
{% macro spark__load_csv_rows(model, agate_table) %}
    {%- for chunk in agate_table.rows | batch(1000) -%}
        {%- do adapter.add_query(
            'insert into ' ~ this.render() ~ ' ' ~ select_rows(model, agate_table, chunk),
            abridge_sql_log=True
        ) -%}
    {%- endfor -%}
    {{- return('') -}}
{% endmacro %}

{#- Made from a query, a seed without rows is a Parquet file, too: its columns can be read. -#}
{% macro spark__create_csv_table(model, agate_table) %}
    {%- set no_row = [none] * (agate_table.column_names | length) -%}
    {%- call statement('_') -%}
        create table {{ this.render() }} {{ file_format_clause() }} as
        {{ select_rows(model, agate_table, [no_row]) }} where false
    {%- endcall -%}
    {{- return('') -}}
{% endmacro %}

{#- in: a seed and rows of texts; out: the query of these rows, typed. -#}
{% macro select_rows(model, agate_table, rows) -%}
    {%- set types = model['config'].get('column_types', {}) -%}
    select
        {%- for name in agate_table.column_names %}
        cast(`{{ name }}` as {{ types[name] }}) as `{{ name }}`{{ ',' if not loop.last }}
        {%- endfor %}
    from values
        {%- for row in rows %}
        ({% for cell in row %}{{ text_literal(cell) }}{{ ', ' if not loop.last }}{% endfor %})
        {{- ',' if not loop.last }}
        {%- endfor %}
        as cells(`{{ agate_table.column_names | join('`, `') }}`)
{%- endmacro %}

{#- in: a value or none; out: it as a text of Spark SQL, in which a backslash escapes. -#}
{% macro text_literal(value) -%}
    {%- if value is none -%}null
    {%- else -%}'{{ value | string | replace('\\', '\\\\') | replace("'", "\\'") }}'
    {%- endif -%}
{%- endmacro %}
