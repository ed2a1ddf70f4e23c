with

usage as (

    select * from {{ ref('stg_landing__usage') }}

),

added as (

    select * from {{ ref('int_usage_totals__added') }}

),

measured as (

    select
        usage.event_id,
        usage.file_id,
        usage.landing_sequence,
        usage.record_number,
        usage.service,
        usage.direction,
        usage.identifier,
        usage.other_number,
        usage.serving_network,
        usage.rating_group,
        usage.node,
        usage.recorded_currency_code,
        usage.utc_offset_minutes,
        coalesce(added.duration_seconds, usage.duration_seconds) as duration_seconds,
        coalesce(added.volume_bytes, usage.volume_bytes) as volume_bytes,
        coalesce(added.quantity, usage.quantity) as quantity,
        usage.recorded_amount,
        usage.is_first_segment,
        coalesce(added.started_at, usage.started_at) as started_at
    from usage
    left join added
        on usage.file_id = added.file_id and usage.record_number = added.record_number

)

select * from measured
