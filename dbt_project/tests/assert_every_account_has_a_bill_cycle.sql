{{ config(meta={'dagster': {'ref': {'name': 'int_billing_accounts__current'}}}) }}

-- An account of a cycle that nobody bills would never be due: the run stops and names it.
select
    accounts.billing_account_id,
    accounts.legal_entity_id,
    accounts.bill_cycle_id
from {{ ref('int_billing_accounts__current') }} as accounts
left join {{ ref('bill_cycles') }} as cycles
    on
        accounts.legal_entity_id = cycles.legal_entity_id
        and accounts.bill_cycle_id = cycles.bill_cycle_id
where cycles.bill_cycle_id is null and accounts.closed_date is null
