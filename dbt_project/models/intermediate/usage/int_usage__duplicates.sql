{{ config(materialized='table') }}

with

usage as (

    select
        event_id,
        file_id,
        landing_sequence,
        record_number
    from {{ ref('stg_landing__usage') }}

),

repeated as (

    select event_id
    from usage
    group by event_id
    having count(*) > 1

),

-- The copy that arrived first is the event; landing is immutable, so this never changes.
ranked as (

    select
        usage.event_id,
        usage.file_id,
        usage.record_number,
        row_number() over (
            partition by usage.event_id
            order by usage.landing_sequence, usage.record_number
        ) as copy_number
    from usage
    inner join repeated on usage.event_id = repeated.event_id

),

duplicates as (

    select
        event_id,
        file_id,
        record_number,
        copy_number
    from ranked
    where copy_number > 1

)

select * from duplicates
