with

delivery_attempts as (

    select * from {{ read_files('ledger', 'delivery_attempts') }}

),

renamed as (

    select
        document_id,
        idempotency_key,
        channel as delivery_channel,
        recipient,
        message_id,
        payload_sha256,
        attempt_number,
        sequence as ledger_sequence,
        recorded_at
    from delivery_attempts

)

select * from renamed
