with

suspended as (

    select * from {{ ref('int_usage__suspended') }}

),

billed as (

    select distinct billed_usage.event_id
    from {{ ref('stg_issued__billed_usage') }} as billed_usage
    inner join suspended on billed_usage.event_id = suspended.event_id

),

segments as (

    select
        event_id,
        file_id,
        record_number,
        subscription_id,
        billing_account_id,
        service,
        direction,
        identifier,
        other_number,
        serving_network,
        duration_seconds,
        volume_bytes,
        started_at
    from {{ ref('int_usage__list_priced') }}
    where segment_number = 1

),

files as (

    select
        file_id,
        received_at
    from {{ ref('stg_landing__files') }}
    where file_status = 'accepted'

)

select
    segments.event_id,
    segments.file_id,
    segments.record_number,
    suspended.suspense_reason,
    segments.subscription_id,
    segments.billing_account_id,
    segments.service,
    segments.direction,
    segments.identifier,
    segments.other_number,
    segments.serving_network,
    segments.duration_seconds,
    segments.volume_bytes,
    segments.started_at,
    files.received_at as first_seen_at
from segments
inner join suspended on segments.event_id = suspended.event_id
left join billed on segments.event_id = billed.event_id
inner join files on segments.file_id = files.file_id
where billed.event_id is null
