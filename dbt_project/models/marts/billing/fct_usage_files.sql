with

files as (

    select * from {{ ref('stg_landing__files') }}

),

duplicates as (

    select
        file_id,
        record_number
    from {{ ref('int_usage__duplicates') }}

),

usage_links as (

    select * from {{ ref('stg_landing__usage_links') }}

),

-- D-141: a record of several rows is a duplicate if all of them are.
linked_records as (

    select
        usage_links.file_id,
        usage_links.record_number,
        min(case when duplicates.file_id is null then 0 else 1 end) as duplicate_count
    from usage_links
    left join duplicates
        on
            usage_links.file_id = duplicates.file_id
            and usage_links.usage_record_number = duplicates.record_number
    group by usage_links.file_id, usage_links.record_number

),

-- Duplicates of usage are told per file; the other sources have none.
duplicates_of_files as (

    select
        file_id,
        cast(sum(duplicate_count) as bigint) as duplicate_count
    from (
        select
            file_id,
            duplicate_count
        from linked_records
        union all
        select
            duplicates.file_id,
            1 as duplicate_count
        from duplicates
        left join (select distinct file_id from usage_links) as linked_files
            on duplicates.file_id = linked_files.file_id
        where linked_files.file_id is null
    ) as duplicate_records
    group by file_id

),

-- D-155: what the name of a file says, where the calendar knows it.
streamed as (

    select
        landing_sequence,
        expected_file_id,
        node,
        file_content,
        sequence_number,
        file_from,
        file_to,
        deadline_at
    from {{ ref('int_usage_files__streamed') }}

)

select
    files.file_id,
    files.entity,
    files.file_name,
    files.file_status,
    files.file_reason,
    files.landing_sequence,
    coalesce(streamed.sequence_number, files.file_sequence) as file_sequence,
    files.size_bytes,
    files.records_read_count,
    cast(files.records_accepted_count - coalesce(duplicates_of_files.duplicate_count, 0) as bigint)
        as records_accepted_count,
    coalesce(duplicates_of_files.duplicate_count, cast(0 as bigint)) as records_duplicate_count,
    files.records_rejected_count,
    files.duration_seconds,
    files.volume_bytes,
    files.arrival_date,
    files.received_at,
    files.source_id,
    cast(files.records_filtered_count as bigint) as records_filtered_count,
    cast(files.rows_landed_count as bigint) as rows_landed_count,
    streamed.expected_file_id,
    streamed.node,
    streamed.file_content,
    streamed.file_from,
    streamed.file_to,
    streamed.deadline_at,
    coalesce(files.received_at > streamed.deadline_at, false) as is_late
from files
left join streamed on files.landing_sequence = streamed.landing_sequence
left join duplicates_of_files
    on files.file_id = duplicates_of_files.file_id and files.file_status = 'accepted'
