with

files as (

    select
        file_id,
        landing_sequence,
        node_id
    from {{ ref('stg_landing__files') }}
    where file_status = 'accepted' and entity = 'usage'

),

streamed as (

    select
        landing_sequence,
        node
    from {{ ref('int_usage_files__streamed') }}

),

hours as (

    select * from {{ ref('int_usage_hours__summed') }}

),

-- The record says which node it is of, else its file does.
recorded as (

    select
        hours.file_id,
        files.landing_sequence,
        coalesce(hours.recorded_node, streamed.node, files.node_id) as node,
        hours.service,
        hours.hour_at,
        hours.record_count,
        hours.duration_seconds,
        hours.volume_bytes
    from hours
    inner join files on hours.file_id = files.file_id
    left join streamed on files.landing_sequence = streamed.landing_sequence

)

select * from recorded
