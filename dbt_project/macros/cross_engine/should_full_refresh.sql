{#-
    Parquet knows no DELETE, so on Spark an incremental model is built whole, every time (D-130):
    what is issued comes back from its frozen rows, and every pass not issued is in scope (D-002).
-#}
{% macro should_full_refresh() %}
    {{- return(adapter.dispatch('should_full_refresh', 'tollhouse')()) -}}
{% endmacro %}
{% macro default__should_full_refresh() %}
    {{- return(dbt.should_full_refresh()) -}}
{% endmacro %}
{% macro spark__should_full_refresh() %}
    {{- return(true) -}}
{% endmacro %}

{#- dbt-spark knows the strategies of its own only; none is used. -#}
{% macro dbt_spark_validate_get_incremental_strategy(raw_strategy, file_format) %}
    {{- return(raw_strategy) -}}
{% endmacro %}
