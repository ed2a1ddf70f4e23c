with

rendered_documents as (

    select * from {{ read_files('ledger', 'rendered_documents') }}

),

renamed as (

    select
        document_id,
        media_type,
        sha256 as file_sha256,
        path as file_path,
        size_bytes,
        sequence as ledger_sequence,
        recorded_at
    from rendered_documents

)

select * from renamed
