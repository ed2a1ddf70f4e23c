with

frozen_files as (

    select * from {{ read_files('ledger', 'frozen_files') }}

),

renamed as (

    select
        issue_id,
        pass_id,
        entity,
        path as file_path,
        sha256 as file_sha256,
        row_count,
        sequence as ledger_sequence,
        recorded_at
    from frozen_files

)

select * from renamed
