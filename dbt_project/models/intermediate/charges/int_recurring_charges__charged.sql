{{ config(materialized='table') }}

with

issued as (

    select
        charge_id,
        billing_account_id,
        subscription_id,
        plan_id,
        charge_code,
        source_id,
        currency_code,
        tax_category,
        proration,
        charged_units,
        corrected_charge_id,
        amount,
        coalesce(charged_from_local, cast(period_start as timestamp)) as charged_from_local,
        coalesce(charged_to_local, cast(period_end as timestamp)) as charged_to_local
    from {{ ref('stg_issued__charges') }}
    where charge_type = 'recurring' or corrected_charge_id is not null

),

recurring_charges as (

    select
        plan_id,
        charge_code,
        proration,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('recurring_charges') }}

),

opening as (

    select
        opening_charges.*,
        recurring_charges.proration
    from {{ ref('stg_landing__opening_charges') }} as opening_charges
    left join recurring_charges
        on
            opening_charges.plan_id = recurring_charges.plan_id
            and opening_charges.charge_code = recurring_charges.charge_code
            and opening_charges.period_start >= recurring_charges.valid_from
            and opening_charges.period_start < recurring_charges.valid_to

),

charges as (

    select
        charge_id,
        billing_account_id,
        subscription_id,
        plan_id,
        charge_code,
        source_id,
        currency_code,
        tax_category,
        coalesce(proration, 'days') as proration,
        charged_units,
        amount,
        cast(0 as decimal(18, 6)) as opening_credited_amount,
        charged_from_local,
        charged_to_local
    from issued
    where corrected_charge_id is null
    union all
    select
        opening_charge_id as charge_id,
        cast(null as string) as billing_account_id,
        subscription_id,
        plan_id,
        charge_code,
        opening_charge_id as source_id,
        currency_code,
        tax_category,
        coalesce(proration, 'days') as proration,
        cast(null as bigint) as charged_units,
        cast(amount as decimal(18, 6)) as amount,
        cast(credited_amount as decimal(18, 6)) as opening_credited_amount,
        cast(period_start as timestamp) as charged_from_local,
        cast(period_end as timestamp) as charged_to_local
    from opening

),

credits as (

    select
        corrected_charge_id,
        cast(-sum(amount) as decimal(18, 6)) as credited_amount
    from issued
    where corrected_charge_id is not null
    group by corrected_charge_id

),

charged as (

    select
        charges.charge_id,
        charges.billing_account_id,
        charges.subscription_id,
        charges.plan_id,
        charges.charge_code,
        charges.source_id,
        charges.currency_code,
        charges.tax_category,
        charges.proration,
        charges.charged_units,
        charges.amount,
        cast(
            charges.opening_credited_amount + coalesce(credits.credited_amount, 0)
            as decimal(18, 6)
        ) as credited_amount,
        charges.charged_from_local,
        charges.charged_to_local
    from charges
    left join credits on charges.charge_id = credits.corrected_charge_id

)

select * from charged
