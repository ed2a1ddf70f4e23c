with

manifest as (

    select * from {{ read_files('landing', 'manifest') }}

),

renamed as (

    select
        file_id,
        entity,
        -- The folder of the inbox; these columns are empty in what was written before they were.
        coalesce(source_id, entity) as source_id,
        file_name,
        node_id,
        status as file_status,
        reason as file_reason,
        records_lost_are,
        audit_totals,
        landing_sequence,
        file_sequence,
        size_bytes,
        records_read as records_read_count,
        records_accepted as records_accepted_count,
        coalesce(records_filtered, 0) as records_filtered_count,
        records_rejected as records_rejected_count,
        coalesce(rows_landed, records_accepted) as rows_landed_count,
        records_declared as records_declared_count,
        records_lost as records_lost_count,
        bytes_declared,
        duration_seconds,
        volume_bytes,
        coalesce(is_test, false) as is_test,
        arrival_date,
        opened_at,
        closed_at,
        received_at
    from manifest

)

select * from renamed
