with

run_closures as (

    select * from {{ read_files('ledger', 'run_closures') }}

),

renamed as (

    select
        bill_run_id,
        reason as closure_reason,
        actor as actor_name,
        sequence as ledger_sequence,
        recorded_at
    from run_closures

)

select * from renamed
