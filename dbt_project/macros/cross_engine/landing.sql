{#- in: a source and table; out: the relation to read its Parquet files from. -#}
{% macro read_files(source_name, table_name) %}
    {{- return(adapter.dispatch('read_files')(source_name, table_name)) -}}
{% endmacro %}
{% macro default__read_files(source_name, table_name) %}
    {{- return(source(source_name, table_name)) -}}
{% endmacro %}
