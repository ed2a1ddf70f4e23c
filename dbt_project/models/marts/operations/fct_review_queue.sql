with

anomaly_rows as (

    select
        review_item_id,
        pass_id,
        billing_account_id,
        rule_id,
        seen,
        expected,
        amount_at_stake
    from {{ ref('stg_issued__anomalies') }}
    union all
    select
        computed.review_item_id,
        computed.pass_id,
        computed.billing_account_id,
        computed.rule_id,
        computed.seen,
        computed.expected,
        computed.amount_at_stake
    from {{ ref('int_anomalies__combined') }} as computed
    inner join {{ ref('int_passes__unissued') }} as unissued on computed.pass_id = unissued.pass_id

),

passes as (

    select
        pass_id,
        bill_run_id
    from {{ ref('stg_ledger__passes') }}

),

bill_runs as (

    select
        bill_run_id,
        bill_date
    from {{ ref('stg_ledger__bill_runs') }}

),

accounts as (

    select
        billing_account_id,
        currency_code
    from {{ ref('int_billing_accounts__current') }}

),

current_pass as (

    select
        billing_account_id,
        pass_id
    from {{ ref('stg_ledger__pass_accounts') }}
    where is_current

),

invoiced as (

    select distinct
        pass_id,
        billing_account_id
    from {{ ref('stg_ledger__documents') }}

),

decisions as (

    select
        review_decisions.billing_account_id,
        decided_passes.bill_run_id,
        review_decisions.decision,
        review_decisions.decision_reason,
        review_decisions.actor_name,
        review_decisions.recorded_at
    from {{ ref('stg_ledger__review_decisions') }} as review_decisions
    inner join passes as decided_passes on review_decisions.pass_id = decided_passes.pass_id
    qualify
        row_number() over (
            partition by decided_passes.bill_run_id, review_decisions.billing_account_id
            order by review_decisions.ledger_sequence desc
        ) = 1

)

select
    anomaly_rows.review_item_id,
    anomaly_rows.pass_id,
    passes.bill_run_id,
    anomaly_rows.billing_account_id,
    anomaly_rows.rule_id,
    case
        when invoiced.billing_account_id is not null then 'billed'
        when current_pass.pass_id <> anomaly_rows.pass_id then 'carried_forward'
        when decisions.decision = 'release' then 'released'
        else 'held'
    end as review_status,
    anomaly_rows.seen,
    anomaly_rows.expected,
    accounts.currency_code,
    anomaly_rows.amount_at_stake,
    decisions.decision,
    decisions.decision_reason,
    decisions.actor_name as decided_by,
    decisions.recorded_at as decided_at,
    bill_runs.bill_date
from anomaly_rows
inner join passes on anomaly_rows.pass_id = passes.pass_id
inner join bill_runs on passes.bill_run_id = bill_runs.bill_run_id
left join accounts on anomaly_rows.billing_account_id = accounts.billing_account_id
left join current_pass on anomaly_rows.billing_account_id = current_pass.billing_account_id
left join invoiced
    on
        anomaly_rows.pass_id = invoiced.pass_id
        and anomaly_rows.billing_account_id = invoiced.billing_account_id
left join decisions
    on
        passes.bill_run_id = decisions.bill_run_id
        and anomaly_rows.billing_account_id = decisions.billing_account_id
