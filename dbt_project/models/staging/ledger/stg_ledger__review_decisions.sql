with

review_decisions as (

    select * from {{ read_files('ledger', 'review_decisions') }}

),

renamed as (

    select
        pass_id,
        billing_account_id,
        decision,
        reason as decision_reason,
        actor as actor_name,
        sequence as ledger_sequence,
        recorded_at
    from review_decisions

)

select * from renamed
