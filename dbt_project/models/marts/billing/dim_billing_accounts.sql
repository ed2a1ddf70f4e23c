with

accounts as (

    select * from {{ ref('int_billing_accounts__current') }}

),

customers as (

    select * from {{ ref('int_customers__current') }}

)

select
    accounts.billing_account_id,
    accounts.customer_id,
    customers.customer_type,
    customers.customer_name,
    customers.email,
    customers.postal_code,
    customers.city,
    customers.country_code,
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
    accounts.closed_date
from accounts
left join customers on accounts.customer_id = customers.customer_id
