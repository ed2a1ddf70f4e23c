{{
    config(
        materialized='incremental',
        incremental_strategy='replace_runs',
        on_schema_change='fail'
    )
}}

with

passes as (

    select pass_id from {{ ref('int_passes__in_scope') }}

),

discounts as (

    select
        pass_id,
        reduced_charge_id,
        billing_account_id,
        subscription_id,
        'promotion' as rule_type,
        promotion_id as rule_id,
        'discount' as charge_code,
        currency_code,
        tax_category,
        cast(base_amount as decimal(18, 6)) as base_amount,
        amount,
        rounded_amount,
        aligned_period_start,
        period_start,
        period_end
    from {{ ref('int_charges__discounts') }}

),

-- A cap over a subscription cuts that subscription's lines; over an account too.
caps as (

    select
        pass_id,
        reduced_charge_id,
        billing_account_id,
        subscription_id,
        'cap' as rule_type,
        charge_cap_id as rule_id,
        'cap' as charge_code,
        currency_code,
        tax_category,
        cast(base_amount as decimal(18, 6)) as base_amount,
        cast(amount as decimal(18, 6)) as amount,
        amount as rounded_amount,
        aligned_period_start,
        period_start,
        period_end
    from {{ ref('int_charges__caps') }}
    where amount <> 0

),

coupons as (

    select
        pass_id,
        reduced_charge_id,
        billing_account_id,
        cast(null as string) as subscription_id,
        'coupon' as rule_type,
        redemption_id as rule_id,
        'coupon' as charge_code,
        currency_code,
        tax_category,
        cast(base_amount as decimal(18, 6)) as base_amount,
        cast(amount as decimal(18, 6)) as amount,
        amount as rounded_amount,
        aligned_period_start,
        period_start,
        period_end
    from {{ ref('int_charges__coupons') }}

),

united as (

    select * from discounts
    union all
    select * from caps
    union all
    select * from coupons

),

-- The charge that a reduction stands in: one per rule, subscription, tax category and period; a
-- coupon's belongs to the account.
combined as (

    select
        concat_ws(
            '/', united.pass_id, united.billing_account_id, united.subscription_id,
            united.charge_code, united.rule_id, united.tax_category,
            cast(united.period_start as string), cast(united.period_end as string)
        ) as charge_id,
        united.reduced_charge_id,
        united.pass_id,
        united.billing_account_id,
        united.subscription_id,
        united.rule_type,
        united.rule_id,
        united.currency_code,
        united.tax_category,
        united.base_amount,
        united.amount,
        united.rounded_amount,
        united.aligned_period_start,
        united.period_start,
        united.period_end
    from united
    inner join passes on united.pass_id = passes.pass_id

)

select * from combined
