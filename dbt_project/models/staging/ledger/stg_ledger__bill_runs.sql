with

bill_runs as (

    select * from {{ read_files('ledger', 'bill_runs') }}

),

renamed as (

    select
        bill_run_id,
        legal_entity_id,
        bill_cycle_id,
        bill_date,
        sequence as ledger_sequence,
        recorded_at
    from bill_runs

)

select * from renamed
