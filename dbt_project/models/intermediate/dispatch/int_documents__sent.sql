with

documents as (

    select
        document_id,
        legal_entity_id,
        issue_date,
        recorded_at as issued_at
    from {{ ref('stg_ledger__documents') }}

),

policy as (

    select
        legal_entity_id,
        delivery_days,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('billing_policy') }}

),

attempts as (

    select
        document_id,
        ledger_sequence
    from {{ ref('stg_ledger__delivery_attempts') }}

),

outcomes as (

    select
        attempt_sequence,
        min(recorded_at) as sent_at
    from {{ ref('stg_ledger__delivery_outcomes') }}
    group by attempt_sequence
    having max_by(delivery_state, ledger_sequence) <> 'failed'

),

-- Sent: the first attempt that was taken and did not come back.
first_sent as (

    select
        attempts.document_id,
        min(outcomes.sent_at) as sent_at
    from attempts
    inner join outcomes on attempts.ledger_sequence = outcomes.attempt_sequence
    group by attempts.document_id

),

sent as (

    select
        documents.document_id,
        coalesce(
            {{ seconds_between('documents.issued_at', 'first_sent.sent_at') }}
            <= policy.delivery_days * 86400,
            false
        ) as is_on_time,
        documents.issued_at,
        first_sent.sent_at
    from documents
    left join first_sent on documents.document_id = first_sent.document_id
    left join policy
        on
            documents.legal_entity_id = policy.legal_entity_id
            and documents.issue_date >= policy.valid_from
            and documents.issue_date < policy.valid_to

)

select * from sent
