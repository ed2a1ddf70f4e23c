with

rule as (

    select
        pass_id,
        rule_id,
        threshold,
        minimum_amount,
        minimum_history
    from {{ ref('int_review_rules__in_scope') }}
    where rule_id = 'usage_spike'

),

invoices as (

    select
        pass_id,
        billing_account_id,
        usage_amount,
        bill_date
    from {{ ref('int_invoices__totalled') }}

),

past as (

    select
        invoices.pass_id,
        invoices.billing_account_id,
        count(*) as bill_count,
        {{ lower_median('past_bills.usage_amount') }} as median_amount
    from invoices
    inner join {{ ref('int_bills__past') }} as past_bills
        on
            invoices.billing_account_id = past_bills.billing_account_id
            and past_bills.bill_date < invoices.bill_date
    group by invoices.pass_id, invoices.billing_account_id

),

found as (

    select
        invoices.pass_id,
        invoices.billing_account_id,
        rule.rule_id,
        concat('usage of ', cast(invoices.usage_amount as string)) as seen,
        concat(
            'about ', cast(past.median_amount as string), ', the median of ',
            cast(past.bill_count as string),
            ' past bills'
        ) as expected,
        cast(invoices.usage_amount - past.median_amount as decimal(18, 4)) as amount_at_stake
    from invoices
    inner join rule on invoices.pass_id = rule.pass_id
    inner join past
        on
            invoices.pass_id = past.pass_id
            and invoices.billing_account_id = past.billing_account_id
            and past.bill_count >= rule.minimum_history
    where
        invoices.usage_amount >= cast(past.median_amount * rule.threshold as decimal(24, 4))
        and invoices.usage_amount - past.median_amount >= rule.minimum_amount

)

select * from found
