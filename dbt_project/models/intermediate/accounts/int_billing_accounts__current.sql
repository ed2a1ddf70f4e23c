with

accounts as (

    select * from {{ ref('int_billing_accounts__dated') }}

),

as_of as (

    select as_of_date from {{ ref('int_crm__as_of') }}

),

current_rows as (

    select
        accounts.billing_account_id,
        accounts.customer_id,
        accounts.legal_entity_id,
        accounts.bill_cycle_id,
        accounts.currency_code,
        accounts.time_zone,
        accounts.language,
        accounts.delivery_channel,
        accounts.sales_region,
        accounts.parent_account_id,
        accounts.payer_account_id,
        accounts.opened_date,
        accounts.closed_date,
        accounts.file_id,
        accounts.record_number
    from accounts
    cross join as_of
    where
        as_of.as_of_date >= accounts.valid_from
        and as_of.as_of_date < accounts.valid_to

)

select * from current_rows
