{{ config(materialized='table') }}

with

usage as (

    select
        record_id,
        event_id,
        landing_sequence,
        record_number
    from {{ ref('stg_landing__usage') }}

),

reused as (

    select record_id
    from usage
    group by record_id
    having min(event_id) <> max(event_id)

),

-- D-028: the event that arrived first under a record id stands; landing is immutable, so this never
-- changes.
ranked as (

    select
        usage.record_id,
        usage.event_id,
        first_value(usage.event_id) over (
            partition by usage.record_id
            order by usage.landing_sequence, usage.record_number
        ) as first_event_id
    from usage
    inner join reused on usage.record_id = reused.record_id

),

conflicting as (

    select distinct
        event_id,
        record_id,
        first_event_id
    from ranked
    where event_id <> first_event_id

)

select * from conflicting
