with

segments as (

    select
        event_id,
        suspense_reason
    from {{ ref('int_usage__list_priced') }}
    where suspense_reason is not null

),

-- One segment that cannot be rated suspends its whole event.
suspended as (

    select
        event_id,
        min(suspense_reason) as suspense_reason
    from segments
    group by event_id

)

select * from suspended
