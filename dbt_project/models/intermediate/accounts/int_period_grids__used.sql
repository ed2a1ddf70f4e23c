with

-- Every interval that a cycle or a charge has, on every anchor that an account or a subscription
-- can have: few, whatever the number of subscriptions.
intervals as (

    select
        'month' as interval_unit,
        interval_months as interval_count
    from {{ ref('int_bill_cycles__current') }}
    where interval_months > 0 and coalesce(interval_weeks, 0) = 0
    union distinct
    select
        'month' as interval_unit,
        interval_months as interval_count
    from {{ ref('recurring_charges') }}
    where interval_months > 0
    union distinct
    select
        'week' as interval_unit,
        interval_weeks as interval_count
    from {{ ref('int_bill_cycles__current') }}
    where interval_weeks > 0
    union distinct
    select
        'week' as interval_unit,
        interval_weeks as interval_count
    from {{ ref('recurring_charges') }}
    where interval_weeks > 0

),

phases as (

    select
        intervals.interval_unit,
        intervals.interval_count,
        phase_numbers.number - 1 as phase
    from intervals
    cross join {{ numbers(728) }} as phase_numbers
    where
        phase_numbers.number
        <= case intervals.interval_unit when 'week' then 7 else 1 end * intervals.interval_count

),

grids as (

    select
        {{ grid_id(
            'phases.interval_unit', 'phases.interval_count', 'phases.phase', 'day_numbers.number'
        ) }} as grid_id,
        phases.interval_unit,
        phases.interval_count,
        cast(phases.phase as integer) as phase,
        day_numbers.number as anchor_day
    from phases
    cross join {{ numbers(31) }} as day_numbers
    where phases.interval_unit = 'month' or day_numbers.number = 1

)

select * from grids
