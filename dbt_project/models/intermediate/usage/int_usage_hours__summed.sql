{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='file_id',
        on_schema_change='fail'
    )
}}

with

{#- Longer sessions are shared over their first 31 days. #}
{%- set longest_seconds = 31 * 86400 %}

usage as (

    select
        file_id,
        record_number,
        service,
        node as recorded_node,
        duration_seconds,
        volume_bytes,
        started_at
    from {{ ref('int_usage__measured') }}
    {% if is_incremental() %}
        -- Landing is immutable: what was summed of a file stays.
        where file_id not in (select applied.file_id from {{ this }} as applied)
    {% endif %}

),

duplicates as (

    select
        file_id,
        record_number
    from {{ ref('int_usage__duplicates') }}

),

-- A correction is no use of the network in its time: it counts whole where it begins.
begun as (

    select
        usage.file_id,
        usage.recorded_node,
        usage.service,
        usage.duration_seconds,
        usage.volume_bytes,
        date_trunc('hour', usage.started_at) as first_hour_at,
        {{ seconds_between("date_trunc('hour', usage.started_at)", 'usage.started_at') }}
            as seconds_before,
        case
            when usage.duration_seconds < 0 or usage.volume_bytes < 0 then 0
            else least(usage.duration_seconds, {{ longest_seconds }})
        end as shared_seconds
    from usage
    left join duplicates
        on usage.file_id = duplicates.file_id and usage.record_number = duplicates.record_number
    where duplicates.file_id is null

),

counted as (

    select
        begun.*,
        case
            when begun.shared_seconds = 0 then 1
            else {{ integer_divide('begun.seconds_before + begun.shared_seconds - 1', 3600) }} + 1
        end as hour_count
    from begun

),

-- D-231: use that goes over the hour is shared by time, and the parts add up to it.
parts as (

    select
        counted.file_id,
        counted.recorded_node,
        counted.service,
        counted.duration_seconds,
        counted.volume_bytes,
        counted.shared_seconds,
        hours.number as hour_number,
        {{ add_seconds('counted.first_hour_at', '(hours.number - 1) * 3600') }} as hour_at,
        greatest((hours.number - 1) * 3600 - counted.seconds_before, 0) as seconds_since,
        least(hours.number * 3600 - counted.seconds_before, counted.shared_seconds)
            as seconds_until
    from counted
    inner join {{ numbers(745) }} as hours on counted.hour_count >= hours.number
    where counted.hour_count > 1

),

shared as (

    select
        file_id,
        recorded_node,
        service,
        first_hour_at as hour_at,
        1 as record_count,
        duration_seconds,
        volume_bytes
    from counted
    where hour_count = 1
    union all
    select
        file_id,
        recorded_node,
        service,
        hour_at,
        case when hour_number = 1 then 1 else 0 end as record_count,
        seconds_until - seconds_since
        + case when hour_number = 1 then duration_seconds - shared_seconds else 0 end
            as duration_seconds,
        {{ shared_until('volume_bytes', 'seconds_until', 'shared_seconds') }}
        - {{ shared_until('volume_bytes', 'seconds_since', 'shared_seconds') }} as volume_bytes
    from parts

),

summed as (

    select
        file_id,
        recorded_node,
        service,
        hour_at,
        cast(sum(record_count) as bigint) as record_count,
        cast(sum(duration_seconds) as bigint) as duration_seconds,
        cast(sum(volume_bytes) as bigint) as volume_bytes
    from shared
    group by file_id, recorded_node, service, hour_at

)

select * from summed
