{{
    config(
        materialized='incremental',
        incremental_strategy='replace_runs',
        on_schema_change='fail'
    )
}}

-- depends_on: {{ ref('int_passes__in_scope') }} (read by replace_runs)

with

accounts as (

    select
        pass_id,
        bill_run_id,
        billing_account_id,
        payer_account_id,
        currency_code
    from {{ ref('int_accounts__in_scope') }}

),

invoices as (

    select
        pass_id,
        billing_account_id,
        total_amount
    from {{ ref('int_invoices__totalled') }}

),

anomalies as (

    select
        pass_id,
        billing_account_id,
        {{ ordered_string_agg('rule_id') }} as rule_ids,
        -- What makes an invoice wrong in law: a release says it is right, which it cannot be.
        max(case
            when
                rule_id in (
                    'tax_missing', 'total_does_not_add_up', 'buyer_incomplete', 'unknown_cycle',
                    'foreign_currency'
                )
                then 1
            else 0
        end) = 1 as is_unlawful
    from {{ ref('int_anomalies__combined') }}
    group by pass_id, billing_account_id

),

-- A decision holds for the account in the whole bill run; the last one counts.
decisions as (

    select
        passes.bill_run_id,
        review_decisions.billing_account_id,
        review_decisions.decision,
        review_decisions.decision_reason
    from {{ ref('stg_ledger__review_decisions') }} as review_decisions
    inner join {{ ref('stg_ledger__passes') }} as passes
        on review_decisions.pass_id = passes.pass_id
    qualify
        row_number() over (
            partition by passes.bill_run_id, review_decisions.billing_account_id
            order by review_decisions.ledger_sequence desc
        ) = 1

),

lines as (

    select distinct
        pass_id,
        billing_account_id
    from {{ ref('int_invoice_lines__rounded') }}

),

judged as (

    select
        accounts.pass_id,
        accounts.billing_account_id,
        accounts.payer_account_id,
        accounts.currency_code,
        case
            when decisions.decision = 'hold'
                then concat('held by a person: ', decisions.decision_reason)
            when anomalies.is_unlawful then anomalies.rule_ids
            when anomalies.rule_ids is not null and coalesce(decisions.decision, '') <> 'release'
                then anomalies.rule_ids
        end as held_reason,
        lines.billing_account_id is not null as has_lines,
        coalesce(invoices.total_amount, cast(0 as decimal(18, 4))) as total_amount
    from accounts
    left join invoices
        on
            accounts.pass_id = invoices.pass_id
            and accounts.billing_account_id = invoices.billing_account_id
    left join lines
        on
            accounts.pass_id = lines.pass_id
            and accounts.billing_account_id = lines.billing_account_id
    left join anomalies
        on
            accounts.pass_id = anomalies.pass_id
            and accounts.billing_account_id = anomalies.billing_account_id
    left join decisions
        on
            accounts.bill_run_id = decisions.bill_run_id
            and accounts.billing_account_id = decisions.billing_account_id

),

-- D-080: one account that is held holds the invoice that it stands on, and all on it.
grouped as (

    select
        judged.*,
        max(case when judged.held_reason is not null then judged.billing_account_id end)
            over of_payer as held_account_id,
        max(case when judged.has_lines then 1 else 0 end) over of_payer = 1 as is_invoiced
    from judged
    window of_payer as (partition by judged.pass_id, judged.payer_account_id)

),

decided as (

    select
        pass_id,
        billing_account_id,
        currency_code,
        case
            when held_account_id is not null then 'held'
            when not has_lines and billing_account_id <> payer_account_id then 'nothing_to_bill'
            when not is_invoiced then 'nothing_to_bill'
            when billing_account_id <> payer_account_id then 'consolidated'
            else 'issue'
        end as outcome,
        case
            when held_reason is not null then held_reason
            when held_account_id is not null then concat('held with account ', held_account_id)
            when not has_lines and billing_account_id <> payer_account_id
                then 'no charge is due'
            when not is_invoiced then 'no charge is due'
            when billing_account_id <> payer_account_id
                then concat('on the invoice of account ', payer_account_id)
        end as outcome_reason,
        total_amount
    from grouped

)

select * from decided
