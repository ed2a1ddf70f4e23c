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

rated as (

    select
        pass_id,
        billing_account_id,
        subscription_id,
        allowance_scope_id,
        usage_period_start,
        sum(free_units) as drawn_units
    from {{ ref('int_usage__rated') }}
    where free_units > 0
    group by pass_id, billing_account_id, subscription_id, allowance_scope_id, usage_period_start

),

drawn_before as (

    select
        subscription_id,
        allowance_scope_id,
        usage_period_start,
        sum(drawn_quantity) as drawn_quantity
    from {{ ref('stg_issued__allowance_draws') }}
    group by subscription_id, allowance_scope_id, usage_period_start

),

granted as (

    select * from {{ ref('int_allowances__granted') }}

),

-- The pass draws the stretch after what earlier passes drew; an allowance gives what of its own
-- stretch lies in it.
stretches as (

    select
        rated.pass_id,
        rated.billing_account_id,
        rated.subscription_id,
        rated.allowance_scope_id,
        rated.usage_period_start,
        coalesce(drawn_before.drawn_quantity, 0) as from_quantity,
        coalesce(drawn_before.drawn_quantity, 0) + rated.drawn_units as to_quantity
    from rated
    inner join passes on rated.pass_id = passes.pass_id
    left join drawn_before
        on
            rated.subscription_id = drawn_before.subscription_id
            and rated.allowance_scope_id = drawn_before.allowance_scope_id
            and rated.usage_period_start = drawn_before.usage_period_start

),

summed as (

    select
        stretches.pass_id,
        stretches.billing_account_id,
        stretches.subscription_id,
        stretches.allowance_scope_id,
        granted.allowance_id,
        granted.quantity as granted_quantity,
        cast(
            least(stretches.to_quantity, granted.to_quantity)
            - greatest(stretches.from_quantity, granted.from_quantity) as bigint
        ) as drawn_quantity,
        stretches.usage_period_start
    from stretches
    inner join granted
        on
            stretches.subscription_id = granted.subscription_id
            and stretches.allowance_scope_id = granted.allowance_scope_id
            and stretches.usage_period_start = granted.usage_period_start
            and stretches.from_quantity < granted.to_quantity
            and stretches.to_quantity > granted.from_quantity

)

select * from summed
