with

gap_acceptances as (

    select * from {{ read_files('ledger', 'gap_acceptances') }}

),

renamed as (

    select
        bill_run_id,
        finding_id,
        subject,
        reason as acceptance_reason,
        actor as actor_name,
        sequence as ledger_sequence,
        recorded_at
    from gap_acceptances

)

select * from renamed
