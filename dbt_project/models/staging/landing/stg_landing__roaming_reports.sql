with

roaming_reports as (

    select * from {{ read_files('landing', 'roaming_reports') }}

),

files as (

    select
        file_id,
        source_id,
        landing_sequence
    from {{ ref('stg_landing__files') }}
    where file_status = 'accepted'

),

committed as (

    select
        files.source_id,
        roaming_reports.sender,
        roaming_reports.imsi,
        roaming_reports.service,
        roaming_reports.direction,
        roaming_reports.other_number,
        roaming_reports.recording_entity,
        roaming_reports.call_reference,
        roaming_reports.utc_offset_minutes,
        roaming_reports.duration_seconds,
        roaming_reports.volume_bytes,
        roaming_reports.charge_units,
        roaming_reports.started_at,
        roaming_reports.file_id,
        files.landing_sequence,
        roaming_reports.record_number
    from roaming_reports
    inner join files on roaming_reports.file_id = files.file_id

)

select * from committed
