{{ config(materialized='table') }}

with

groups as (

    select distinct
        pass_id,
        billing_account_id,
        subscription_id,
        usage_period_start
    from {{ ref('int_usage__reopened') }}

),

-- Sets of tiers that nothing is counted in again stay as they are.
counted_again as (

    select distinct
        groups.pass_id,
        groups.billing_account_id,
        groups.subscription_id,
        gathered.price_tier_set_id,
        groups.usage_period_start
    from groups
    inner join {{ ref('int_usage__gathered') }} as gathered
        on
            groups.pass_id = gathered.pass_id
            and groups.billing_account_id = gathered.billing_account_id
            and groups.subscription_id = gathered.subscription_id
            and groups.usage_period_start = gathered.usage_period_start
    where gathered.price_tier_set_id is not null

),

reopened as (

    select
        counted_again.pass_id,
        counted_again.billing_account_id,
        counted_again.subscription_id,
        counted_again.price_tier_set_id,
        cast(sum(counters.event_count) as bigint) as event_count,
        cast(sum(counters.counted_units) as bigint) as counted_units,
        cast(sum(counters.billed_amount) as decimal(18, 6)) as billed_amount,
        cast(sum(counters.fee_amount) as decimal(18, 6)) as fee_amount,
        counted_again.usage_period_start
    from counted_again
    inner join {{ ref('stg_issued__tier_counters') }} as counters
        on
            counted_again.billing_account_id = counters.billing_account_id
            and counted_again.subscription_id = counters.subscription_id
            and counted_again.price_tier_set_id = counters.price_tier_set_id
            and counted_again.usage_period_start = counters.usage_period_start
    group by
        counted_again.pass_id,
        counted_again.billing_account_id,
        counted_again.subscription_id,
        counted_again.price_tier_set_id,
        counted_again.usage_period_start

)

select * from reopened
