{{ config(materialized='table') }}

with

roaming as (

    select
        pass_id,
        event_id,
        segment_number,
        subscription_id,
        plan_id,
        service,
        roaming_zone_id,
        units,
        started_at,
        tariff_date,
        usage_period_start
    from {{ ref('int_usage__gathered') }}
    where roaming_zone_id is not null

),

limits as (

    select
        fair_use_limit_id,
        plan_id,
        service,
        roaming_zone_id,
        quantity,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('fair_use_limits') }}

),

-- D-210: what is counted again was not billed before.
billed_or_reopened as (

    select
        subscription_id,
        fair_use_limit_id,
        usage_period_start,
        units
    from {{ ref('stg_issued__billed_usage') }}
    where fair_use_limit_id is not null
    union all
    select
        subscription_id,
        fair_use_limit_id,
        usage_period_start,
        -units as units
    from {{ ref('int_usage__reopened') }}
    where fair_use_limit_id is not null

),

billed as (

    select
        subscription_id,
        fair_use_limit_id,
        usage_period_start,
        sum(units) as units
    from billed_or_reopened
    group by subscription_id, fair_use_limit_id, usage_period_start

),

-- `*` stands for every visited zone without a row of its own.
limited as (

    select
        roaming.*,
        limits.fair_use_limit_id,
        limits.quantity
    from roaming
    inner join limits
        on
            roaming.plan_id = limits.plan_id
            and roaming.service = limits.service
            and roaming.tariff_date >= limits.valid_from
            and roaming.tariff_date < limits.valid_to
            and (
                roaming.roaming_zone_id = limits.roaming_zone_id
                or limits.roaming_zone_id = '*'
            )
    qualify
        row_number() over (
            partition by roaming.pass_id, roaming.event_id, roaming.segment_number
            order by case when limits.roaming_zone_id = '*' then 2 else 1 end
        ) = 1

),

-- In time order, after what earlier passes of the period billed.
cumulated as (

    select
        limited.*,
        coalesce(billed.units, 0) + sum(limited.units) over (
            partition by
                limited.pass_id,
                limited.subscription_id,
                limited.fair_use_limit_id,
                limited.usage_period_start
            order by limited.started_at, limited.event_id, limited.segment_number
            rows between unbounded preceding and current row
        ) as cumulated_units
    from limited
    left join billed
        on
            limited.subscription_id = billed.subscription_id
            and limited.fair_use_limit_id = billed.fair_use_limit_id
            and limited.usage_period_start = billed.usage_period_start

),

fair_use as (

    select
        pass_id,
        event_id,
        segment_number,
        fair_use_limit_id,
        cast(
            greatest(cumulated_units - quantity, 0)
            - greatest(cumulated_units - units - quantity, 0) as bigint
        ) as over_limit_units
    from cumulated

)

select * from fair_use
