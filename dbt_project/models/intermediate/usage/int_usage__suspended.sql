with

segments as (

    select
        event_id,
        suspense_reason
    from {{ ref('int_usage__arrived') }}
    where suspense_reason is not null
    union all
    select
        event_id,
        suspense_reason
    from {{ ref('int_usage__cut') }}
    where suspense_reason is not null

),

-- One segment that cannot be rated suspends its whole event.
unrated as (

    select
        event_id,
        min(suspense_reason) as suspense_reason
    from segments
    group by event_id

),

conflicting as (

    select
        event_id,
        'record_id_reused' as suspense_reason
    from {{ ref('int_usage__conflicting') }}

),

unassembled as (

    select
        event_id,
        suspense_reason
    from {{ ref('int_usage_parts__unassembled') }}

),

-- Other values under a known record id: whatever they would cost, a person must look. Parts of a
-- session come next, since what they cost may depend on it.
suspended as (

    select
        coalesce(conflicting.event_id, unassembled.event_id, unrated.event_id) as event_id,
        coalesce(
            conflicting.suspense_reason, unassembled.suspense_reason, unrated.suspense_reason
        ) as suspense_reason
    from unrated
    full outer join conflicting on unrated.event_id = conflicting.event_id
    full outer join unassembled
        on coalesce(conflicting.event_id, unrated.event_id) = unassembled.event_id

)

select * from suspended
