with

orders as (

    select
        billing_account_id,
        plan_id,
        zone_id,
        issued_sequence,
        usage_from,
        usage_to
    from {{ ref('stg_ledger__rerating_orders') }}

),

-- D-213: what was issued after an order stands: so an order is carried out once.
ordered as (

    select distinct
        billed.event_id,
        billed.billing_account_id,
        billed.subscription_id,
        billed.usage_period_start
    from {{ ref('int_usage__billed') }} as billed
    inner join orders
        on
            billed.issue_sequence <= orders.issued_sequence
            and cast(billed.started_local as date) >= orders.usage_from
            and cast(billed.started_local as date) < orders.usage_to
            and coalesce(orders.billing_account_id = billed.billing_account_id, true)
            and coalesce(orders.plan_id = billed.plan_id, orders.plan_id is null)
            and coalesce(orders.zone_id = billed.zone_id, orders.zone_id is null)

)

select * from ordered
