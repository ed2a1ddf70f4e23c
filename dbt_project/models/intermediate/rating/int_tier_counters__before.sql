with

-- D-210: what is counted again was not counted before.
reopened as (

    select
        billing_account_id,
        subscription_id,
        price_tier_set_id,
        usage_period_start
    from {{ ref('int_tier_counters__reopened') }}

),

counters as (

    select
        issued.subscription_id,
        issued.price_tier_set_id,
        issued.usage_period_start,
        issued.counted_units,
        issued.event_count,
        issued.largest_units,
        issued.billed_amount
    from {{ ref('stg_issued__tier_counters') }} as issued
    left join reopened
        on
            issued.billing_account_id = reopened.billing_account_id
            and issued.subscription_id = reopened.subscription_id
            and issued.price_tier_set_id = reopened.price_tier_set_id
            and issued.usage_period_start = reopened.usage_period_start
    where reopened.subscription_id is null
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
