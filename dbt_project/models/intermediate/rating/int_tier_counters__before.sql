with

counters as (

    select
        subscription_id,
        price_tier_set_id,
        usage_period_start,
        counted_units,
        event_count,
        largest_units,
        billed_amount
    from {{ ref('stg_issued__tier_counters') }}
    union all
    select
        subscription_id,
        price_tier_set_id,
        usage_period_start,
        counted_units,
        event_count,
        largest_units,
        billed_amount
    from {{ ref('stg_landing__opening_tier_counters') }}

),

counted_before as (

    select
        subscription_id,
        price_tier_set_id,
        usage_period_start,
        cast(sum(counted_units) as bigint) as counted_units,
        cast(sum(event_count) as bigint) as event_count,
        max(largest_units) as largest_units,
        cast(sum(billed_amount) as decimal(18, 6)) as billed_amount
    from counters
    group by subscription_id, price_tier_set_id, usage_period_start

)

select * from counted_before
