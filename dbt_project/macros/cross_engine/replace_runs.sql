{#-
    Incremental strategy: empties the passes in scope, then inserts. Delete+insert would leave
    ghosts when a re-run of a pass yields no row, since it deletes only keys found in new rows.
-#}
{% macro get_incremental_replace_runs_sql(arg_dict) %}
    {%- set columns = get_quoted_csv(arg_dict['dest_columns'] | map(attribute='name')) -%}
    delete from {{ arg_dict['target_relation'] }}
    where pass_id in (select in_scope.pass_id from {{ ref('int_passes__in_scope') }} as in_scope);
    insert into {{ arg_dict['target_relation'] }} ({{ columns }})
    select {{ columns }} from {{ arg_dict['temp_relation'] }}
{% endmacro %}
