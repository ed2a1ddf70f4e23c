{{ config(materialized='table') }}

with

grids as (

    select * from {{ ref('int_period_grids__used') }}

),

-- From January 2000 on, 780 months and as many weeks.
months as (

    select
        number - 1 as months_in,
        {{ first_of_month("cast('1999-12-01' as date)", 'number') }} as month_start
    from {{ numbers(780) }} as month_numbers

),

days as (

    select
        number - 1 as days_in,
        {{ add_days("cast('2000-01-03' as date)", 'number - 1') }} as day_start
    from {{ numbers(23751) }} as day_numbers

),

aligned as (

    select
        grids.grid_id,
        {{ anchor_date('months.month_start', 'grids.anchor_day') }} as period_start,
        {{ anchor_date(
            first_of_month('months.month_start', 'grids.interval_count'), 'grids.anchor_day'
        ) }} as period_end
    from grids
    inner join months on grids.phase = mod(months.months_in, grids.interval_count)
    where grids.interval_unit = 'month'
    union all
    select
        grids.grid_id,
        days.day_start as period_start,
        {{ add_days('days.day_start', '7 * grids.interval_count') }} as period_end
    from grids
    inner join days on grids.phase = mod(days.days_in, 7 * grids.interval_count)
    where grids.interval_unit = 'week'

)

select * from aligned
