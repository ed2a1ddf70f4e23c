with

rule as (

    select
        pass_id,
        rule_id
    from {{ ref('int_review_rules__in_scope') }}
    where rule_id = 'total_negative'

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
        'a total of zero or more' as expected,
        cast(-invoices.total_amount as decimal(18, 4)) as amount_at_stake
    from invoices
    inner join rule on invoices.pass_id = rule.pass_id
    where invoices.total_amount < 0

)

select * from found
