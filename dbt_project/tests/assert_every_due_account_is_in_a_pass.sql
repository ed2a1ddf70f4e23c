{{ config(meta={'dagster': {'ref': {'name': 'int_accounts__decided'}}}) }}

-- What the ledger says is billed is checked against who is due by the account data alone.
with

main_passes as (

    select
        pass_id,
        bill_run_id,
        legal_entity_id,
        bill_cycle_id,
        period_end
    from {{ ref('int_passes__in_scope') }}
    where pass_kind = 'main'

),

due as (

    select
        main_passes.bill_run_id,
        main_passes.period_end,
        accounts.billing_account_id
    from main_passes
    inner join {{ ref('int_billing_accounts__dated') }} as accounts
        on
            main_passes.legal_entity_id = accounts.legal_entity_id
            and main_passes.bill_cycle_id = accounts.bill_cycle_id
            and accounts.opened_date < main_passes.period_end
            and accounts.valid_from <= main_passes.period_end
            and accounts.valid_to > main_passes.period_end

),

assigned as (

    -- In a pass of the run, or in one of a later date that bills it already.
    select
        pass_accounts.billing_account_id,
        max(bill_runs.bill_date) as billed_up_to
    from {{ ref('stg_ledger__pass_accounts') }} as pass_accounts
    inner join {{ ref('stg_ledger__passes') }} as passes on pass_accounts.pass_id = passes.pass_id
    inner join {{ ref('stg_ledger__bill_runs') }} as bill_runs
        on passes.bill_run_id = bill_runs.bill_run_id
    group by pass_accounts.billing_account_id

),

-- Only tests read it here, so that a pass is compared after it was computed.
decided as (

    select distinct pass_id
    from {{ ref('int_accounts__decided') }}

)

select
    due.bill_run_id,
    due.billing_account_id
from due
inner join main_passes on due.bill_run_id = main_passes.bill_run_id
inner join decided on main_passes.pass_id = decided.pass_id
left join assigned
    on
        due.billing_account_id = assigned.billing_account_id
        and due.period_end <= assigned.billed_up_to
where assigned.billing_account_id is null
