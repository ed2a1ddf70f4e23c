with

rejects as (

    select * from {{ read_files('landing', 'rejects') }}

),

files as (

    select
        file_id,
        entity,
        file_name
    from {{ ref('stg_landing__files') }}
    where file_status = 'accepted'

),

committed as (

    select
        rejects.file_id,
        files.entity,
        files.file_name,
        rejects.rule as reject_rule,
        rejects.reason as reject_reason,
        rejects.raw as raw_record,
        rejects.record_number,
        rejects.line_number
    from rejects
    inner join files on rejects.file_id = files.file_id

)

select * from committed
