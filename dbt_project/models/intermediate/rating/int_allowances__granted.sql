{{ config(materialized='table') }}

with

subscription_plans as (

    select
        subscription_id,
        plan_id,
        effective_from,
        effective_to
    from {{ ref('int_subscription_plans__effective') }}

),

allowances as (

    select
        allowance_id,
        plan_id,
        allowance_scope_id,
        quantity,
        priority,
        proration,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('allowances') }}

),

cycles as (

    select
        subscription_id,
        legal_entity_id,
        bill_cycle_id,
        valid_from,
        valid_to
    from {{ ref('int_subscription_cycles__dated') }}

),

periods as (

    select
        legal_entity_id,
        bill_cycle_id,
        period_start,
        period_end
    from {{ ref('int_bill_periods__aligned') }}

),

-- Only the periods that usage not yet billed belongs to.
used as (

    select distinct
        subscription_id,
        usage_period_start
    from {{ ref('int_usage__unbilled') }}
    where allowance_scope_id is not null

),

-- An account that changed its cycle has in each period what it held in its days of the cycle.
held_in_period as (

    select
        used.subscription_id,
        allowances.allowance_scope_id,
        allowances.allowance_id,
        periods.period_start as usage_period_start,
        allowances.priority,
        allowances.quantity,
        allowances.proration,
        {{ days_between('periods.period_start', 'periods.period_end') }} as period_days,
        {{ days_between(
            'greatest(
                periods.period_start, cycles.valid_from, subscription_plans.effective_from,
                allowances.valid_from
            )',
            'least(
                periods.period_end, cycles.valid_to, subscription_plans.effective_to,
                allowances.valid_to
            )'
        ) }} as held_days
    from used
    inner join cycles on used.subscription_id = cycles.subscription_id
    inner join periods
        on
            cycles.legal_entity_id = periods.legal_entity_id
            and cycles.bill_cycle_id = periods.bill_cycle_id
            and used.usage_period_start = periods.period_start
            and cycles.valid_from < periods.period_end
            and cycles.valid_to > periods.period_start
    inner join subscription_plans
        on
            used.subscription_id = subscription_plans.subscription_id
            and subscription_plans.effective_from < periods.period_end
            and subscription_plans.effective_to > periods.period_start
    inner join allowances
        on
            subscription_plans.plan_id = allowances.plan_id
            and allowances.valid_from < periods.period_end
            and allowances.valid_to > periods.period_start

),

granted as (

    select
        subscription_id,
        allowance_scope_id,
        allowance_id,
        usage_period_start,
        min(priority) as priority,
        cast(case max(proration)
            when 'days' then sum({{ integer_divide('quantity * held_days', 'period_days') }})
            else max(quantity)
        end as bigint) as quantity
    from held_in_period
    where held_days > 0
    group by subscription_id, allowance_scope_id, allowance_id, usage_period_start

),

-- Allowances of one scope are drawn one after the other: each covers a stretch of the cumulated
-- use.
stretched as (

    select
        subscription_id,
        allowance_scope_id,
        allowance_id,
        usage_period_start,
        quantity,
        cast((sum(quantity) over in_order) - quantity as bigint) as from_quantity,
        cast(sum(quantity) over in_order as bigint) as to_quantity
    from granted
    window in_order as (
        partition by subscription_id, allowance_scope_id, usage_period_start
        order by priority, allowance_id
        rows between unbounded preceding and current row
    )

)

select * from stretched
