with

rule as (

    select
        rule_id,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('review_rules') }}
    where rule_id = 'buyer_incomplete' and is_active

),

invoices as (

    select
        invoices_totalled.pass_id,
        invoices_totalled.billing_account_id,
        invoices_totalled.customer_id,
        invoices_totalled.buyer_name,
        invoices_totalled.buyer_email,
        invoices_totalled.delivery_channel,
        invoices_totalled.bill_date,
        invoices_totalled.total_amount
    from {{ ref('int_invoices__totalled') }} as invoices_totalled
    inner join {{ ref('int_passes__in_scope') }} as passes
        on invoices_totalled.pass_id = passes.pass_id

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
    inner join rule on invoices.bill_date >= rule.valid_from and invoices.bill_date < rule.valid_to
    where
        invoices.buyer_name is null
        or (invoices.delivery_channel = 'email' and invoices.buyer_email is null)

)

select * from found
