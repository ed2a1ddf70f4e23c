with

pass_transitions as (

    select * from {{ read_files('ledger', 'pass_transitions') }}

),

renamed as (

    select
        pass_id,
        state as pass_state,
        commit_hash,
        project_hash,
        control_totals,
        actor as actor_name,
        landing_watermark,
        issue_date,
        sequence as ledger_sequence,
        recorded_at
    from pass_transitions

)

select * from renamed
