with

rule as (

    select
        pass_id,
        rule_id
    from {{ ref('int_review_rules__in_scope') }}
    where rule_id = 'buyer_incomplete'

),

invoices as (

    select
        pass_id,
        billing_account_id,
        customer_id,
        buyer_name,
        buyer_email,
        delivery_channel,
        total_amount
    from {{ ref('int_invoices__totalled') }}

),

-- EN 16931 BT-44: an invoice names its buyer. Who is billed by e-mail needs an address for it.
found as (

    select
        invoices.pass_id,
        invoices.billing_account_id,
        rule.rule_id,
        case
            when invoices.buyer_name is null
                then concat('no data of customer ', invoices.customer_id)
            else 'delivery by e-mail without an address'
        end as seen,
        'name and address of the customer' as expected,
        abs(invoices.total_amount) as amount_at_stake
    from invoices
    inner join rule on invoices.pass_id = rule.pass_id
    where
        invoices.buyer_name is null
        or (invoices.delivery_channel = 'email' and invoices.buyer_email is null)

)

select * from found
