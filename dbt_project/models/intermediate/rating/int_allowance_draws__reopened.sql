{{ config(materialized='table') }}

with

groups as (

    select distinct
        pass_id,
        billing_account_id,
        subscription_id,
        usage_period_start,
        is_ordered
    from {{ ref('int_usage__reopened') }}

),

-- What a subscription drew on its own, and on what its account shares.
pools as (

    select
        pass_id,
        billing_account_id,
        subscription_id as pool_id,
        usage_period_start,
        is_ordered
    from groups
    union distinct
    select
        pass_id,
        billing_account_id,
        billing_account_id as pool_id,
        usage_period_start,
        is_ordered
    from groups

),

reopened as (

    select
        pools.pass_id,
        pools.billing_account_id,
        pools.pool_id,
        max(draws.allowance_scope_id) as allowance_scope_id,
        draws.allowance_id,
        max_by(draws.granted_quantity, draws.issue_sequence) as granted_quantity,
        cast(sum(draws.drawn_quantity) as bigint) as drawn_quantity,
        cast(sum(draws.free_quantity) as bigint) as free_quantity,
        draws.granted_from,
        max(draws.usable_to) as usable_to,
        pools.usage_period_start,
        max(case when pools.is_ordered then 1 else 0 end) = 1 as is_ordered
    from pools
    inner join {{ ref('stg_issued__allowance_draws') }} as draws
        on
            pools.billing_account_id = draws.billing_account_id
            and pools.pool_id = draws.pool_id
            and pools.usage_period_start = draws.usage_period_start
    group by
        pools.pass_id,
        pools.billing_account_id,
        pools.pool_id,
        draws.allowance_id,
        draws.granted_from,
        pools.usage_period_start

)

select * from reopened
