{{ config(materialized='table') }}

with

cycles as (

    select
        legal_entity_id,
        bill_cycle_id,
        grid_id
    from {{ ref('int_bill_cycles__current') }}

),

periods as (

    select * from {{ ref('int_periods__aligned') }}

),

aligned as (

    select
        cycles.legal_entity_id,
        cycles.bill_cycle_id,
        periods.period_start,
        periods.period_end
    from cycles
    inner join periods on cycles.grid_id = periods.grid_id

)

select * from aligned
