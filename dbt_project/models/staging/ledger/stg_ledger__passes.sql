with

passes as (

    select * from {{ read_files('ledger', 'passes') }}

),

renamed as (

    select
        pass_id,
        bill_run_id,
        pass_kind,
        pass_number,
        issue_date,
        sequence as ledger_sequence,
        recorded_at
    from passes

)

select * from renamed
