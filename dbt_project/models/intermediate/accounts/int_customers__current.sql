with

customers as (

    select * from {{ ref('int_customers__known') }}
    where is_latest

),

as_of as (

    select as_of_date from {{ ref('int_crm__as_of') }}

),

current_rows as (

    select
        customers.customer_id,
        customers.customer_type,
        customers.customer_name,
        customers.email,
        customers.street,
        customers.postal_code,
        customers.city,
        customers.country_code,
        customers.vat_number
    from customers
    cross join as_of
    where
        as_of.as_of_date >= customers.valid_from
        and as_of.as_of_date < customers.valid_to

)

select * from current_rows
