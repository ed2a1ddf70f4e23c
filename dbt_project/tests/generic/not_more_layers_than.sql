{% test not_more_layers_than(model, layers) %}

{{ config(fail_calc='count(*)') }}

-- Usage that more allowances overlap for than windows follow each other would not draw on the last.
select
    billing_account_id,
    max(layer) as layer
from {{ model }}
group by billing_account_id
having max(layer) > {{ layers }}

{% endtest %}
