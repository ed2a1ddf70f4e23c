with

rerating_orders as (

    select * from {{ read_files('ledger', 'rerating_orders') }}

),

renamed as (

    select
        order_id,
        billing_account_id,
        plan_id,
        zone_id,
        reason as order_reason,
        actor as actor_name,
        issued_sequence,
        sequence as ledger_sequence,
        usage_from,
        usage_to,
        recorded_at
    from rerating_orders

)

select * from renamed
