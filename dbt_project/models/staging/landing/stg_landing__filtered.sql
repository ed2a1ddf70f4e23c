with

filtered as (

    select * from {{ read_files('landing', 'filtered') }}

),

files as (

    select
        file_id,
        source_id,
        file_name
    from {{ ref('stg_landing__files') }}
    where file_status = 'accepted'

),

committed as (

    select
        filtered.file_id,
        files.source_id,
        files.file_name,
        filtered.reason as filter_reason,
        filtered.record_number,
        filtered.line_number
    from filtered
    inner join files on filtered.file_id = files.file_id

)

select * from committed
