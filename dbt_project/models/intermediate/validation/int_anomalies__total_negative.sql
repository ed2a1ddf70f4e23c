with

rule as (

    select
        rule_id,
        threshold,
        minimum_amount,
        minimum_history,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('review_rules') }}
    where rule_id = 'total_negative' and is_active

),

invoices as (

    select
        invoices_totalled.pass_id,
        invoices_totalled.billing_account_id,
        invoices_totalled.bill_date,
        invoices_totalled.usage_amount,
        invoices_totalled.net_amount,
        invoices_totalled.tax_amount,
        invoices_totalled.total_amount
    from {{ ref('int_invoices__totalled') }} as invoices_totalled
    inner join {{ ref('int_passes__in_scope') }} as passes
        on invoices_totalled.pass_id = passes.pass_id

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
    inner join rule on invoices.bill_date >= rule.valid_from and invoices.bill_date < rule.valid_to
    where invoices.total_amount < 0

)

select * from found
