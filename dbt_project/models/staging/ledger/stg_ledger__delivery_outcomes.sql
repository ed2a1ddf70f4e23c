with

delivery_outcomes as (

    select * from {{ read_files('ledger', 'delivery_outcomes') }}

),

renamed as (

    select
        attempt_sequence,
        state as delivery_state,
        code as outcome_code,
        reason as outcome_reason,
        sequence as ledger_sequence,
        recorded_at
    from delivery_outcomes

)

select * from renamed
