with

documents as (

    select * from {{ read_files('ledger', 'documents') }}

),

renamed as (

    select
        document_id,
        document_type,
        document_number,
        legal_entity_id,
        billing_account_id,
        pass_id,
        series as number_series,
        currency_code,
        number as series_number,
        year as series_year,
        total_amount,
        issue_date,
        sequence as ledger_sequence,
        recorded_at
    from documents

)

select * from renamed
