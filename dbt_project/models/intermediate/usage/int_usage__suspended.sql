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

-- Other values under a known record id: whatever they would cost, a person must look.
suspended as (

    select
        coalesce(conflicting.event_id, unrated.event_id) as event_id,
        coalesce(conflicting.suspense_reason, unrated.suspense_reason) as suspense_reason
    from unrated
    full outer join conflicting on unrated.event_id = conflicting.event_id

)

select * from suspended
