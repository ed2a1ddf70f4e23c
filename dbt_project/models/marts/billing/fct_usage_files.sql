with

files as (

    select * from {{ ref('stg_landing__files') }}

),

-- Duplicates of usage are told per file; the other sources have none.
duplicates as (

    select
        file_id,
        cast(count(*) as bigint) as duplicate_count
    from {{ ref('int_usage__duplicates') }}
    group by file_id

)

select
    files.file_id,
    files.entity,
    files.file_name,
    files.file_status,
    files.file_reason,
    files.landing_sequence,
    files.file_sequence,
    files.size_bytes,
    files.records_read_count,
    cast(files.records_accepted_count - coalesce(duplicates.duplicate_count, 0) as bigint)
        as records_accepted_count,
    coalesce(duplicates.duplicate_count, cast(0 as bigint)) as records_duplicate_count,
    files.records_rejected_count,
    files.duration_seconds,
    files.volume_bytes,
    files.arrival_date,
    files.received_at
from files
left join duplicates
    on files.file_id = duplicates.file_id and files.file_status = 'accepted'
