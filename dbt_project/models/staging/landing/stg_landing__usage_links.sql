with

usage_links as (

    select * from {{ read_files('landing', 'usage_links') }}

),

files as (

    select file_id
    from {{ ref('stg_landing__files') }}
    where file_status = 'accepted'

),

committed as (

    select
        usage_links.file_id,
        usage_links.record_number,
        usage_links.usage_record_number
    from usage_links
    inner join files on usage_links.file_id = files.file_id

)

select * from committed
