{{ config(materialized='table') }}

with

periods as (

    select * from {{ ref('int_bill_periods__aligned') }}

),

-- As many days as the longest period that a cycle can have, five years.
by_date as (

    select
        periods.legal_entity_id,
        periods.bill_cycle_id,
        {{ add_days('periods.period_start', 'day_numbers.number - 1') }} as on_date,
        periods.period_start,
        periods.period_end
    from periods
    inner join {{ numbers(1827) }} as day_numbers
        on
            day_numbers.number
            <= {{ days_between('periods.period_start', 'periods.period_end') }}

)

select * from by_date
