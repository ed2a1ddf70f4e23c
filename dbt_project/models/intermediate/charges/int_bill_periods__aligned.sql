{{ config(materialized='table') }}

with

cycles as (

    select
        legal_entity_id,
        bill_cycle_id,
        interval_months,
        anchor_day
    from {{ ref('bill_cycles') }}
    qualify
        row_number() over (partition by legal_entity_id, bill_cycle_id order by valid_from desc) = 1

),

months as (

    select {{ first_of_month("cast('2009-12-01' as date)", 'number') }} as month_start
    from {{ numbers(600) }} as month_numbers

),

-- Aligned to the anchor; a cycle of several months is counted from January 2010.
aligned as (

    select
        cycles.legal_entity_id,
        cycles.bill_cycle_id,
        {{ anchor_date('months.month_start', 'cycles.anchor_day') }} as period_start,
        {{ anchor_date(
            first_of_month('months.month_start', 'cycles.interval_months'), 'cycles.anchor_day'
        ) }}
            as period_end
    from cycles
    cross join months
    where {{ months_into_cycle('months.month_start', 'cycles.interval_months') }} = 0

)

select * from aligned
