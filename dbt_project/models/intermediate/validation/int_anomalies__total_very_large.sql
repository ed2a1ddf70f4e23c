with

rule as (

    select
        pass_id,
        rule_id,
        threshold
    from {{ ref('int_review_rules__in_scope') }}
    where rule_id = 'total_very_large'

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
        invoices.pass_id,
        invoices.billing_account_id,
        rule.rule_id,
        concat('total of ', cast(invoices.total_amount as string)) as seen,
        concat('at most ', cast(rule.threshold as string)) as expected,
        invoices.total_amount as amount_at_stake
    from invoices
    inner join rule on invoices.pass_id = rule.pass_id
    where invoices.total_amount > rule.threshold

)

select * from found
