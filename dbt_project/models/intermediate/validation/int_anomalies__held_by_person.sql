with

rule as (

    select
        pass_id,
        rule_id
    from {{ ref('int_review_rules__in_scope') }}
    where rule_id = 'held_by_person'

),

passes as (

    select
        pass_id,
        bill_run_id
    from {{ ref('stg_ledger__passes') }}

),

-- The last decision of the bill run counts.
decisions as (

    select
        passes.bill_run_id,
        review_decisions.billing_account_id,
        review_decisions.decision,
        review_decisions.decision_reason,
        review_decisions.actor_name
    from {{ ref('stg_ledger__review_decisions') }} as review_decisions
    inner join passes on review_decisions.pass_id = passes.pass_id
    qualify
        row_number() over (
            partition by passes.bill_run_id, review_decisions.billing_account_id
            order by review_decisions.ledger_sequence desc
        ) = 1

),

accounts as (

    select
        pass_id,
        bill_run_id,
        billing_account_id
    from {{ ref('int_accounts__in_scope') }}

),

invoices as (

    select
        pass_id,
        billing_account_id,
        total_amount
    from {{ ref('int_invoices__totalled') }}

),

found as (

    select
        accounts.pass_id,
        accounts.billing_account_id,
        rule.rule_id,
        concat(decisions.actor_name, ': ', decisions.decision_reason) as seen,
        'a release by a person' as expected,
        abs(coalesce(invoices.total_amount, cast(0 as decimal(18, 4)))) as amount_at_stake
    from accounts
    inner join rule on accounts.pass_id = rule.pass_id
    inner join decisions
        on
            accounts.bill_run_id = decisions.bill_run_id
            and accounts.billing_account_id = decisions.billing_account_id
            and decisions.decision = 'hold'
    left join invoices
        on
            accounts.pass_id = invoices.pass_id
            and accounts.billing_account_id = invoices.billing_account_id

)

select * from found
