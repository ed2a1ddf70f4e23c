with

from_tariff as (

    select * from {{ ref('int_recurring_charges__priced') }}

),

from_charges as (

    select * from {{ ref('int_recurring_charges__credited') }}

),

united as (

    select * from from_tariff
    union all
    select * from from_charges
    where amount <> 0

),

dated as (

    select
        pass_id,
        billing_account_id,
        subscription_id,
        plan_id,
        charge_code,
        recurring_charge_id,
        price_id,
        corrected_charge_id,
        currency_code,
        tax_category,
        proration,
        cast(
            {{ days_between('cast(from_local as date)', 'cast(to_local as date)') }}
            + case when to_local > cast(cast(to_local as date) as timestamp) then 1 else 0 end
            as bigint
        ) as charged_days,
        cast({{ days_between('aligned_period_start', 'aligned_period_end') }} as bigint)
            as period_days,
        charged_units,
        period_units,
        price_amount,
        amount,
        aligned_period_start,
        cast(from_local as date) as period_start,
        case
            when to_local > cast(cast(to_local as date) as timestamp)
                then {{ add_days('cast(to_local as date)', 1) }}
            else cast(to_local as date)
        end as period_end,
        from_local as charged_from_local,
        to_local as charged_to_local,
        cast(charged_through_local as date) as charged_through_date
    from united

)

select * from dated
