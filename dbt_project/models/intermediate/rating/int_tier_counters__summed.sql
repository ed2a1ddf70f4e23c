{{
    config(
        materialized='incremental',
        incremental_strategy='replace_runs',
        on_schema_change='fail'
    )
}}

with

tier_sets as (

    select
        price_tier_set_id,
        pass_increment
    from {{ ref('price_tier_sets') }}

),

used as (

    select
        rated.pass_id,
        rated.billing_account_id,
        rated.subscription_id,
        rated.price_tier_set_id,
        sum(case when rated.segment_number = 1 then 1 else 0 end) as event_count,
        {{ round_up_to(
            'sum(rated.charged_units - rated.over_limit_units)', 'tier_sets.pass_increment'
        ) }}
            as counted_units,
        greatest(max(rated.charged_units - rated.over_limit_units), 0) as largest_units,
        sum(rated.tier_amount) as billed_amount,
        cast(0 as decimal(18, 6)) as fee_amount,
        rated.usage_period_start
    from {{ ref('int_usage__rated') }} as rated
    inner join {{ ref('int_passes__in_scope') }} as passes on rated.pass_id = passes.pass_id
    inner join tier_sets on rated.price_tier_set_id = tier_sets.price_tier_set_id
    where not rated.is_reversal
    group by
        rated.pass_id,
        rated.billing_account_id,
        rated.subscription_id,
        rated.price_tier_set_id,
        rated.usage_period_start,
        tier_sets.pass_increment

),

fees as (

    select
        fees_due.pass_id,
        fees_due.billing_account_id,
        fees_due.subscription_id,
        fees_due.price_tier_set_id,
        0 as event_count,
        0 as counted_units,
        0 as largest_units,
        fees_due.amount as billed_amount,
        fees_due.amount as fee_amount,
        fees_due.period_start as usage_period_start
    from {{ ref('int_tier_fees__due') }} as fees_due
    inner join {{ ref('int_passes__in_scope') }} as passes on fees_due.pass_id = passes.pass_id

),

-- What is due without events takes back what it was before (int_tier_fees__due).
taken_back as (

    select
        reopened.pass_id,
        reopened.billing_account_id,
        reopened.subscription_id,
        reopened.price_tier_set_id,
        -reopened.event_count as event_count,
        -reopened.counted_units as counted_units,
        0 as largest_units,
        reopened.fee_amount - reopened.billed_amount as billed_amount,
        cast(0 as decimal(18, 6)) as fee_amount,
        reopened.usage_period_start
    from {{ ref('int_tier_counters__reopened') }} as reopened
    inner join {{ ref('int_passes__in_scope') }} as passes on reopened.pass_id = passes.pass_id

),

united as (

    select * from used
    union all
    select * from fees
    union all
    select * from taken_back

),

summed as (

    select
        pass_id,
        billing_account_id,
        subscription_id,
        price_tier_set_id,
        cast(sum(event_count) as bigint) as event_count,
        cast(sum(counted_units) as bigint) as counted_units,
        cast(max(largest_units) as bigint) as largest_units,
        cast(sum(billed_amount) as decimal(18, 6)) as billed_amount,
        cast(sum(fee_amount) as decimal(18, 6)) as fee_amount,
        usage_period_start
    from united
    group by
        pass_id, billing_account_id, subscription_id, price_tier_set_id, usage_period_start

)

select * from summed
