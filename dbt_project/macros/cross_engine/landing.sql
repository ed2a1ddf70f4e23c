{#- in: a source and table; out: the relation to read its Parquet files from. -#}
{% macro read_files(source_name, table_name) %}
    {{- return(adapter.dispatch('read_files')(source_name, table_name)) -}}
{% endmacro %}
{% macro default__read_files(source_name, table_name) %}
    {{- return(source(source_name, table_name)) -}}
{% endmacro %}
{#- Spark reads the folder by its path. A unit test has put its rows in the place of the source. -#}
{% macro spark__read_files(source_name, table_name) %}
    {%- set relation = source(source_name, table_name) -%}
    {%- if relation.identifier != table_name -%}{{ return(relation) }}{%- endif -%}
    {%- set path = {
        'landing': env_var('TOLLHOUSE_LANDING') ~ '/' ~ table_name ~ '/*/*.parquet',
        'issued': env_var('TOLLHOUSE_LANDING') ~ '/issued_' ~ table_name,
        'ledger': env_var('TOLLHOUSE_EXPORTS') ~ '/ledger/' ~ table_name,
        'control': env_var('TOLLHOUSE_EXPORTS') ~ '/control/' ~ table_name ~ '.parquet'
    }[source_name] -%}
    {{- return('parquet.`' ~ path ~ '`') -}}
{% endmacro %}
