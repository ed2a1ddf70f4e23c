{{ config(meta={'dagster': {'ref': {'name': 'int_accounts__decided'}}}) }}

-- A subscription held across the bill date, of an account in a pass, stands on an invoice of the
-- pass or its account has a reason why not. Computed passes are checked before they are issued. An
-- off-cycle pass bills what is not billed yet, which may be nothing of one subscription.
with

unissued as (

    select pass_id from {{ ref('int_passes__unissued') }}

),

passes as (

    select
        passes.pass_id,
        bill_runs.bill_date
    from {{ ref('stg_ledger__passes') }} as passes
    inner join {{ ref('stg_ledger__bill_runs') }} as bill_runs
        on passes.bill_run_id = bill_runs.bill_run_id
    where passes.pass_kind <> 'off_cycle'

),

accounts as (

    select
        assigned.pass_id,
        assigned.billing_account_id
    from {{ ref('stg_ledger__pass_accounts') }} as assigned
    left join unissued on assigned.pass_id = unissued.pass_id
    where unissued.pass_id is null or assigned.is_current

),

invoiced as (

    select
        pass_id,
        subscription_id
    from {{ ref('stg_issued__invoice_lines') }}
    union all
    select
        computed.pass_id,
        computed.subscription_id
    from {{ ref('int_invoice_lines__rounded') }} as computed
    inner join unissued on computed.pass_id = unissued.pass_id

),

explained as (

    select
        pass_id,
        billing_account_id
    from {{ ref('stg_issued__unbilled_accounts') }}
    where outcome_reason is not null
    union all
    select
        decided.pass_id,
        decided.billing_account_id
    from {{ ref('int_accounts__decided') }} as decided
    inner join unissued on decided.pass_id = unissued.pass_id
    where decided.outcome_reason is not null

),

due as (

    select distinct
        accounts.pass_id,
        accounts.billing_account_id,
        stays.subscription_id
    from accounts
    inner join passes on accounts.pass_id = passes.pass_id
    inner join {{ ref('int_subscription_plans__effective') }} as stays
        on
            accounts.billing_account_id = stays.billing_account_id
            and stays.plan_type = 'plan'
            and stays.effective_from < passes.bill_date
            and stays.effective_to > passes.bill_date

)

select due.*
from due
left join invoiced
    on
        due.pass_id = invoiced.pass_id
        and due.subscription_id = invoiced.subscription_id
left join explained
    on due.pass_id = explained.pass_id and due.billing_account_id = explained.billing_account_id
where invoiced.subscription_id is null and explained.billing_account_id is null
