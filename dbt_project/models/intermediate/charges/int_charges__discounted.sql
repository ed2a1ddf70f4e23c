with

charges as (

    select
        pass_id,
        charge_id,
        billing_account_id,
        subscription_id,
        charge_type,
        charge_code,
        currency_code,
        tax_category,
        amount,
        aligned_period_start,
        period_start,
        period_end
    from {{ ref('int_charges__priced') }}

),

passes as (

    select pass_id from {{ ref('int_passes__in_scope') }}

),

discounts as (

    select
        reduced_charge_id,
        cast(sum(rounded_amount) as decimal(18, 4)) as rounded_amount
    from {{ ref('int_charges__discounts') }}
    group by reduced_charge_id

),

currencies as (

    select
        currency_code,
        minor_units
    from {{ ref('currencies') }}

),

-- Rounded as the line will be, so that what caps, minimums and coupons see is what is billed.
discounted as (

    select
        charges.pass_id,
        charges.charge_id,
        charges.billing_account_id,
        charges.subscription_id,
        charges.charge_type,
        charges.charge_code,
        charges.currency_code,
        charges.tax_category,
        currencies.minor_units,
        cast(
            {{ round_money('charges.amount', 'currencies.minor_units') }}
            + coalesce(discounts.rounded_amount, 0)
            as decimal(18, 4)
        ) as left_amount,
        charges.aligned_period_start,
        charges.period_start,
        charges.period_end
    from charges
    inner join passes on charges.pass_id = passes.pass_id
    inner join currencies on charges.currency_code = currencies.currency_code
    left join discounts on charges.charge_id = discounts.reduced_charge_id

)

select * from discounted
