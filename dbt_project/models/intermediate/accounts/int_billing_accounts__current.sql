with

accounts as (

    select * from {{ ref('stg_landing__billing_accounts') }}

),

-- Billing reads an account as it is known now; the earliest opening date is kept.
latest as (

    select
        billing_account_id,
        customer_id,
        legal_entity_id,
        bill_cycle_id,
        currency_code,
        time_zone,
        language,
        delivery_channel,
        sales_region,
        opened_date,
        closed_date,
        file_id,
        record_number
    from accounts
    qualify row_number() over (partition by billing_account_id order by valid_from desc) = 1

)

select * from latest
