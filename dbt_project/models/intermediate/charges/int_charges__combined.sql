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

charge_codes as (

    select * from {{ ref('charge_codes') }}

),

promotions as (

    select
        promotion_id,
        plan_id,
        description_en,
        description_de
    from {{ ref('promotions') }}

),

charge_caps as (

    select
        charge_cap_id,
        plan_id,
        description_en,
        description_de
    from {{ ref('charge_caps') }}

),

coupons as (

    select
        redemptions.redemption_id,
        coupons.description_en,
        coupons.description_de
    from {{ ref('stg_landing__coupon_redemptions') }} as redemptions
    inner join {{ ref('coupons') }} as coupons on redemptions.coupon_id = coupons.coupon_id
    where redemptions.superseded_sequence is null

),

rules as (

    select
        'promotion' as rule_type,
        'discount' as charge_code,
        promotion_id as rule_id,
        nullif(plan_id, '*') as plan_id,
        description_en,
        description_de
    from promotions
    union all
    select
        'cap' as rule_type,
        'cap' as charge_code,
        charge_cap_id as rule_id,
        nullif(plan_id, '*') as plan_id,
        description_en,
        description_de
    from charge_caps
    union all
    select
        'coupon' as rule_type,
        'coupon' as charge_code,
        redemption_id as rule_id,
        cast(null as string) as plan_id,
        description_en,
        description_de
    from coupons

),

priced as (

    select
        charge_id,
        pass_id,
        billing_account_id,
        subscription_id,
        plan_id,
        charge_code,
        source_id,
        description_en,
        description_de,
        currency_code,
        tax_category,
        priced_currency_code,
        exchange_rate_id,
        event_count,
        quantity,
        free_quantity,
        priced_amount,
        exchange_rate,
        amount,
        tax_point_date,
        aligned_period_start,
        period_start,
        period_end,
        charged_through_date,
        corrected_charge_id,
        proration,
        price_id,
        price_amount,
        charged_units,
        period_units,
        charged_from_local,
        charged_to_local
    from {{ ref('int_charges__priced') }}

),

reductions as (

    select
        reductions.charge_id,
        reductions.pass_id,
        reductions.billing_account_id,
        reductions.subscription_id,
        rules.plan_id,
        rules.charge_code,
        reductions.rule_id as source_id,
        rules.description_en,
        rules.description_de,
        reductions.currency_code,
        reductions.tax_category,
        cast(sum(reductions.amount) as decimal(18, 6)) as amount,
        reductions.tax_point_date,
        min(reductions.aligned_period_start) as aligned_period_start,
        reductions.period_start,
        reductions.period_end
    from {{ ref('int_charge_reductions__combined') }} as reductions
    inner join rules
        on reductions.rule_type = rules.rule_type and reductions.rule_id = rules.rule_id
    group by
        reductions.charge_id,
        reductions.pass_id,
        reductions.billing_account_id,
        reductions.subscription_id,
        rules.plan_id,
        rules.charge_code,
        reductions.rule_id,
        rules.description_en,
        rules.description_de,
        reductions.currency_code,
        reductions.tax_category,
        reductions.tax_point_date,
        reductions.period_start,
        reductions.period_end

),

-- What a rule of the tariff takes off or adds: one unit, in the account's currency, without a
-- price or a time of its own.
ruled as (

    select * from reductions
    union all
    select
        charge_id,
        pass_id,
        billing_account_id,
        subscription_id,
        cast(null as string) as plan_id,
        'minimum' as charge_code,
        commitment_id as source_id,
        description_en,
        description_de,
        currency_code,
        tax_category,
        cast(amount as decimal(18, 6)) as amount,
        tax_point_date,
        aligned_period_start,
        period_start,
        period_end
    from {{ ref('int_charges__minimums') }}
    union all
    select
        charge_id,
        pass_id,
        billing_account_id,
        subscription_id,
        cast(null as string) as plan_id,
        'fee' as charge_code,
        fee_id as source_id,
        description_en,
        description_de,
        currency_code,
        tax_category,
        cast(amount as decimal(18, 6)) as amount,
        tax_point_date,
        aligned_period_start,
        period_start,
        period_end
    from {{ ref('int_charges__fees') }}

),

widened as (

    select
        charge_id,
        pass_id,
        billing_account_id,
        subscription_id,
        plan_id,
        charge_code,
        source_id,
        description_en,
        description_de,
        currency_code,
        tax_category,
        currency_code as priced_currency_code,
        cast(null as string) as exchange_rate_id,
        cast(null as bigint) as event_count,
        cast(1 as bigint) as quantity,
        cast(null as bigint) as free_quantity,
        amount as priced_amount,
        cast(1 as decimal(18, 9)) as exchange_rate,
        amount,
        tax_point_date,
        aligned_period_start,
        period_start,
        period_end,
        cast(null as date) as charged_through_date,
        cast(null as string) as corrected_charge_id,
        cast(null as string) as proration,
        cast(null as string) as price_id,
        cast(null as decimal(18, 6)) as price_amount,
        cast(null as bigint) as charged_units,
        cast(null as bigint) as period_units,
        cast(null as timestamp) as charged_from_local,
        cast(null as timestamp) as charged_to_local
    from ruled

),

united as (

    select * from priced
    union all
    select * from widened

),

combined as (

    select
        united.charge_id,
        united.pass_id,
        united.billing_account_id,
        united.subscription_id,
        united.plan_id,
        charge_codes.charge_type,
        united.charge_code,
        united.source_id,
        united.description_en,
        united.description_de,
        charge_codes.unit,
        united.currency_code,
        united.tax_category,
        united.priced_currency_code,
        united.exchange_rate_id,
        united.event_count,
        united.quantity,
        united.free_quantity,
        charge_codes.display_order,
        united.priced_amount,
        united.exchange_rate,
        united.amount,
        united.tax_point_date,
        united.aligned_period_start,
        united.period_start,
        united.period_end,
        united.charged_through_date,
        united.corrected_charge_id,
        united.proration,
        united.price_id,
        united.price_amount,
        united.charged_units,
        united.period_units,
        united.charged_from_local,
        united.charged_to_local
    from united
    inner join passes on united.pass_id = passes.pass_id
    inner join charge_codes on united.charge_code = charge_codes.charge_code

)

select * from combined
