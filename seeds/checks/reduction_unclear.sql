-- A discount or fee that says too little or too much: a coupon is a percentage or an amount, and for a number
-- of invoices only when it recurs; nothing takes more than all.
with

judged as (

    select
        'coupons' as seed,
        csv_line,
        coupon_id as rule_id,
        case
            when discount_percent is null and discount_amount is null
                then 'needs discount_percent or discount_amount'
            when discount_percent is not null and discount_amount is not null
                then 'has both discount_percent and discount_amount'
            when frequency = 'recurring' and invoice_count is null
                then 'recurs on how many invoices? invoice_count is empty'
            when frequency <> 'recurring' and invoice_count is not null
                then format('is {}, but has an invoice_count', frequency)
            when discount_percent > 100 then 'takes more than 100 %'
        end as reason
    from coupons
    union all
    select
        'promotions' as seed,
        csv_line,
        promotion_id as rule_id,
        case
            when discount_percent > 100 then 'takes more than 100 %'
            when eligibility = 'period' and duration_months > 0
                then 'counts duration_months from the activation, but its eligibility is period'
        end as reason
    from promotions
    union all
    select
        'fees' as seed,
        csv_line,
        fee_id as rule_id,
        case
            when basis = 'subscription' and fee_amount is null then 'has no fee_amount'
            when basis = 'percentage' and fee_percent is null then 'has no fee_percent'
            when fee_amount is not null and fee_percent is not null
                then 'has both fee_amount and fee_percent'
        end as reason
    from fees

)

select
    seed,
    csv_line,
    format('''{}'' {}', rule_id, reason) as message
from judged
where reason is not null
