{{ config(meta={'dagster': {'ref': {'name': 'int_accounts__decided'}}}) }}

-- Every account of a pass that is not issued yet was decided: issue, held or nothing to bill.
select
    assigned.pass_id,
    assigned.billing_account_id
from {{ ref('stg_ledger__pass_accounts') }} as assigned
inner join {{ ref('int_passes__in_scope') }} as passes on assigned.pass_id = passes.pass_id
left join {{ ref('int_accounts__decided') }} as decided
    on
        assigned.pass_id = decided.pass_id
        and assigned.billing_account_id = decided.billing_account_id
where assigned.is_current and decided.billing_account_id is null
