with

manifest as (

    select * from {{ read_files('landing', 'manifest') }}

),

renamed as (

    select
        file_id,
        entity,
        file_name,
        status as file_status,
        reason as file_reason,
        landing_sequence,
        file_sequence,
        size_bytes,
        records_read as records_read_count,
        records_accepted as records_accepted_count,
        records_rejected as records_rejected_count,
        duration_seconds,
        volume_bytes,
        arrival_date,
        received_at
    from manifest

)

select * from renamed
