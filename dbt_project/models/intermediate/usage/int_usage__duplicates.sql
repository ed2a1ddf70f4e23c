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

copies as (

    select
        event_id,
        file_id,
        record_number,
        'same_record' as duplicate_reason,
        copy_number
    from ranked
    where copy_number > 1

),

-- D-221: a report of a session that adds nothing to what was told before it.
told_before as (

    select
        added.event_id,
        added.file_id,
        added.record_number,
        'told_before' as duplicate_reason,
        cast(null as bigint) as copy_number
    from {{ ref('int_usage_totals__added') }} as added
    left join copies
        on added.file_id = copies.file_id and added.record_number = copies.record_number
    where added.is_told_before and copies.file_id is null

),

duplicates as (

    select * from copies
    union all
    select * from told_before

)

select * from duplicates
