with

charges as (

    select * from {{ ref('int_charges__discounted') }}

),

caps as (

    select
        reduced_charge_id,
        cast(sum(amount) as decimal(18, 4)) as amount
    from {{ ref('int_charges__caps') }}
    group by reduced_charge_id

),

capped as (

    select
        charges.pass_id,
        charges.charge_id,
        charges.billing_account_id,
        charges.subscription_id,
        charges.charge_type,
        charges.charge_code,
        charges.currency_code,
        charges.tax_category,
        charges.minor_units,
        cast(charges.left_amount + coalesce(caps.amount, 0) as decimal(18, 4)) as left_amount,
        charges.aligned_period_start,
        charges.period_start,
        charges.period_end
    from charges
    left join caps on charges.charge_id = caps.reduced_charge_id

)

select * from capped
