with

usage as (

    select * from {{ read_files('landing', 'usage') }}

),

files as (

    select
        file_id,
        landing_sequence
    from {{ ref('stg_landing__files') }}
    where file_status = 'accepted'

),

committed as (

    select
        usage.event_id,
        usage.record_id,
        usage.service,
        usage.direction,
        usage.identifier,
        usage.other_number,
        usage.serving_network,
        usage.node,
        usage.record_type,
        usage.rating_group,
        usage.session_id,
        usage.currency_code as recorded_currency_code,
        usage.utc_offset_minutes,
        usage.duration_seconds,
        usage.volume_bytes,
        usage.quantity,
        usage.session_part,
        usage.amount as recorded_amount,
        usage.is_first_segment,
        coalesce(usage.is_session_total, false) as is_session_total,
        usage.started_at,
        usage.file_id,
        files.landing_sequence,
        usage.record_number
    from usage
    inner join files on usage.file_id = files.file_id

)

select * from committed
