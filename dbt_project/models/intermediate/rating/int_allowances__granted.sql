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

plans_held as (

    select distinct
        subscription_id,
        plan_id
    from subscription_plans

),

allowances as (

    select
        allowance_id,
        plan_id,
        allowance_scope_id,
        quantity,
        priority,
        proration,
        draw_increment,
        draw_window,
        -- A hundred years, where a pass has no end of its own.
        cast(coalesce(validity_days, 36500) as integer) as validity_days,
        rollover_periods,
        is_shared,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('allowances') }}

),

-- Whose a subscription was, and in which cycle it was billed.
cycles as (

    select
        subscription_id,
        billing_account_id,
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
        period_end,
        row_number() over (
            partition by legal_entity_id, bill_cycle_id
            order by period_start
        ) as period_number
    from {{ ref('int_bill_periods__aligned') }}

),

-- The aligned period that a pass ends or lies in.
pass_periods as (

    select
        passes.pass_id,
        periods.period_start
    from {{ ref('int_passes__in_scope') }} as passes
    inner join periods
        on
            passes.legal_entity_id = periods.legal_entity_id
            and passes.bill_cycle_id = periods.bill_cycle_id
            and passes.period_end > periods.period_start
            and passes.period_end <= periods.period_end

),

in_scope as (

    select
        accounts_in_scope.billing_account_id,
        accounts_in_scope.go_live_date,
        pass_periods.period_start
    from {{ ref('int_accounts__in_scope') }} as accounts_in_scope
    inner join pass_periods on accounts_in_scope.pass_id = pass_periods.pass_id

),

went_live as (

    select
        billing_account_id,
        min(go_live_date) as go_live_date
    from in_scope
    group by billing_account_id

),

used as (

    select distinct
        subscription_id,
        billing_account_id,
        usage_period_start
    from {{ ref('int_usage__gathered') }}

),

drawn_before as (

    select * from {{ ref('int_allowances__drawn_before') }}

),

-- The periods that usage not yet billed belongs to, for its subscription and for all that share
-- with it; and the period of a pass, since what is left of it may go on.
needed as (

    select
        subscription_id,
        usage_period_start as period_start,
        1 as use_count
    from used
    union all
    select
        cycles.subscription_id,
        used.usage_period_start as period_start,
        1 as use_count
    from used
    inner join cycles on used.billing_account_id = cycles.billing_account_id
    union all
    select
        cycles.subscription_id,
        in_scope.period_start,
        0 as use_count
    from in_scope
    inner join cycles on in_scope.billing_account_id = cycles.billing_account_id

),

-- Grouped before the periods join it: else a plan may pair every subscription with every period.
needed_in_cycles as (

    select
        needed.subscription_id,
        cycles.billing_account_id,
        cycles.legal_entity_id,
        cycles.bill_cycle_id,
        cycles.valid_from,
        cycles.valid_to,
        needed.period_start,
        max(needed.use_count) = 1 as is_used
    from needed
    inner join cycles on needed.subscription_id = cycles.subscription_id
    group by
        needed.subscription_id,
        cycles.billing_account_id,
        cycles.legal_entity_id,
        cycles.bill_cycle_id,
        cycles.valid_from,
        cycles.valid_to,
        needed.period_start

),

-- An account that changed its cycle has a period in each, for its days of the cycle.
numbered as (

    select
        needed_in_cycles.subscription_id,
        needed_in_cycles.billing_account_id,
        needed_in_cycles.legal_entity_id,
        needed_in_cycles.bill_cycle_id,
        needed_in_cycles.valid_from,
        needed_in_cycles.valid_to,
        periods.period_number,
        greatest(periods.period_start, needed_in_cycles.valid_from) as span_start,
        least(periods.period_end, needed_in_cycles.valid_to) as span_end,
        needed_in_cycles.is_used
    from needed_in_cycles
    inner join periods
        on
            needed_in_cycles.legal_entity_id = periods.legal_entity_id
            and needed_in_cycles.bill_cycle_id = periods.bill_cycle_id
            and needed_in_cycles.period_start = periods.period_start
            and needed_in_cycles.valid_from < periods.period_end
            and needed_in_cycles.valid_to > periods.period_start

),

-- How many periods ago an allowance may have been granted that can still be drawn.
allowance_ages as (

    select
        allowances.*,
        ages.number - 1 as periods_ago
    from allowances
    inner join {{ numbers(13) }} as ages on ages.number - 1 <= allowances.rollover_periods
    where allowances.draw_window in ('period', 'stay')

),

-- Numbers of periods, so that periods join by equal numbers alone.
granted_in as (

    select distinct
        numbered.subscription_id,
        numbered.billing_account_id,
        numbered.legal_entity_id,
        numbered.bill_cycle_id,
        numbered.valid_from as cycle_from,
        numbered.valid_to as cycle_to,
        allowance_ages.allowance_id,
        allowance_ages.plan_id,
        allowance_ages.allowance_scope_id,
        allowance_ages.priority,
        allowance_ages.quantity,
        allowance_ages.proration,
        allowance_ages.draw_increment,
        allowance_ages.draw_window,
        allowance_ages.rollover_periods,
        allowance_ages.is_shared,
        allowance_ages.valid_from,
        allowance_ages.valid_to,
        numbered.period_number - allowance_ages.periods_ago as period_number,
        numbered.period_number - allowance_ages.periods_ago + allowance_ages.rollover_periods
            as last_period_number
    from numbered
    inner join plans_held on numbered.subscription_id = plans_held.subscription_id
    inner join allowance_ages
        on
            plans_held.plan_id = allowance_ages.plan_id
            and (numbered.is_used or allowance_ages.rollover_periods > 0)

),

spans as (

    select distinct
        granted_in.subscription_id,
        granted_in.billing_account_id,
        granted_in.allowance_id,
        granted_in.plan_id,
        granted_in.allowance_scope_id,
        granted_in.priority,
        granted_in.quantity,
        granted_in.proration,
        granted_in.draw_increment,
        granted_in.draw_window,
        granted_in.rollover_periods,
        granted_in.is_shared,
        granted_in.valid_from,
        granted_in.valid_to,
        own_spans.subscription_id is not null as is_of_period,
        {{ days_between('periods.period_start', 'periods.period_end') }} as period_days,
        greatest(periods.period_start, granted_in.cycle_from) as span_start,
        least(periods.period_end, granted_in.cycle_to) as span_end,
        last_periods.period_end as last_period_end
    from granted_in
    inner join periods
        on
            granted_in.legal_entity_id = periods.legal_entity_id
            and granted_in.bill_cycle_id = periods.bill_cycle_id
            and granted_in.period_number = periods.period_number
            and granted_in.cycle_from < periods.period_end
    inner join periods as last_periods
        on
            granted_in.legal_entity_id = last_periods.legal_entity_id
            and granted_in.bill_cycle_id = last_periods.bill_cycle_id
            and granted_in.last_period_number = last_periods.period_number
    left join numbered as own_spans
        on
            granted_in.subscription_id = own_spans.subscription_id
            and greatest(periods.period_start, granted_in.cycle_from) = own_spans.span_start

),

held_in_period as (

    select
        spans.*,
        subscription_plans.effective_to,
        greatest(spans.span_start, subscription_plans.effective_from, spans.valid_from)
            as held_from,
        least(spans.span_end, subscription_plans.effective_to, spans.valid_to) as held_to
    from spans
    inner join subscription_plans
        on
            spans.subscription_id = subscription_plans.subscription_id
            and spans.plan_id = subscription_plans.plan_id
            and greatest(spans.span_start, spans.valid_from) < subscription_plans.effective_to
            and least(spans.span_end, spans.valid_to) > subscription_plans.effective_from
    where
        spans.span_start < spans.valid_to
        and spans.span_end > spans.valid_from

),

dated as (

    select
        *,
        case draw_window when 'stay' then held_from else span_start end as granted_from,
        case draw_window when 'stay' then held_to else span_end end as granted_to
    from held_in_period

),

-- What is left goes on only while the plan is held.
of_periods as (

    select
        subscription_id,
        billing_account_id,
        allowance_id,
        allowance_scope_id,
        priority,
        draw_increment,
        is_shared,
        rollover_periods > 0 as is_lasting,
        max(case when is_of_period then 1 else 0 end) = 1 as is_of_period,
        granted_from,
        case
            when rollover_periods > 0 and max(effective_to) > span_end
                then least(last_period_end, max(effective_to))
            else granted_to
        end as usable_to,
        case max(proration)
            when 'days' then sum({{ integer_divide(
                'quantity * ' ~ days_between('held_from', 'held_to'), 'period_days'
            ) }})
            else max(quantity)
        end as quantity
    from dated
    group by
        subscription_id,
        billing_account_id,
        allowance_id,
        allowance_scope_id,
        priority,
        draw_increment,
        rollover_periods,
        is_shared,
        span_end,
        last_period_end,
        granted_from,
        granted_to

),

of_passes as (

    select
        numbered.subscription_id,
        max(numbered.billing_account_id) as billing_account_id,
        allowances.allowance_id,
        allowances.allowance_scope_id,
        allowances.priority,
        allowances.draw_increment,
        allowances.is_shared,
        true as is_lasting,
        false as is_of_period,
        subscription_plans.effective_from as granted_from,
        least(
            subscription_plans.effective_to,
            {{ add_days('subscription_plans.effective_from', 'allowances.validity_days') }}
        ) as usable_to,
        allowances.quantity
    from numbered
    inner join subscription_plans
        on
            numbered.subscription_id = subscription_plans.subscription_id
            and numbered.span_end > subscription_plans.effective_from
            and numbered.span_start < subscription_plans.effective_to
    inner join allowances
        on
            subscription_plans.plan_id = allowances.plan_id
            and subscription_plans.effective_from >= allowances.valid_from
            and subscription_plans.effective_from < allowances.valid_to
    where allowances.draw_window = 'pass'
    group by
        numbered.subscription_id,
        allowances.allowance_id,
        allowances.allowance_scope_id,
        allowances.priority,
        allowances.draw_increment,
        allowances.is_shared,
        allowances.validity_days,
        allowances.quantity,
        subscription_plans.effective_from,
        subscription_plans.effective_to

),

united as (

    select * from of_periods
    union all
    select * from of_passes
    where usable_to > granted_from

),

-- A pool is a subscription's own, or its account's.
pooled as (

    select
        case when is_shared then billing_account_id else subscription_id end as pool_id,
        max(billing_account_id) as billing_account_id,
        allowance_id,
        allowance_scope_id,
        priority,
        draw_increment,
        is_shared,
        is_lasting,
        granted_from,
        max(case when is_of_period then 1 else 0 end) = 1 as is_of_period,
        max(usable_to) as usable_to,
        sum(quantity) as quantity
    from united
    group by
        case when is_shared then billing_account_id else subscription_id end,
        allowance_id,
        allowance_scope_id,
        priority,
        draw_increment,
        is_shared,
        is_lasting,
        granted_from

),

-- What goes on was granted as the last pass, or what came before Tollhouse, said it was; before
-- the first run nothing goes on that was not told. D-006: what is drawn stays drawn. D-210: what is
-- drawn again was granted as it was.
granted as (

    select
        concat_ws('/', pooled.pool_id, pooled.allowance_id, cast(pooled.granted_from as string))
            as allowance_grant_id,
        pooled.pool_id,
        pooled.billing_account_id,
        pooled.allowance_id,
        pooled.allowance_scope_id,
        pooled.priority,
        pooled.draw_increment,
        pooled.is_shared,
        pooled.is_lasting,
        cast(
            case
                when pooled.is_lasting or drawn_before.is_granted_as_before
                    then coalesce(drawn_before.granted_quantity, pooled.quantity)
                else pooled.quantity
            end as bigint
        ) as quantity,
        cast(coalesce(drawn_before.drawn_quantity, 0) as bigint) as drawn_before_quantity,
        pooled.granted_from,
        pooled.usable_to
    from pooled
    left join went_live on pooled.billing_account_id = went_live.billing_account_id
    left join drawn_before
        on
            pooled.pool_id = drawn_before.pool_id
            and pooled.allowance_id = drawn_before.allowance_id
            and pooled.granted_from = drawn_before.granted_from
    where
        pooled.is_of_period
        or drawn_before.pool_id is not null
        or pooled.granted_from >= went_live.go_live_date

),

available as (

    select
        *,
        greatest(quantity - drawn_before_quantity, 0) as available_quantity
    from granted

)

select * from available
