with

customers as (

    select * from {{ ref('stg_landing__customers') }}

),

latest as (

    select
        customer_id,
        customer_type,
        customer_name,
        email,
        street,
        postal_code,
        city,
        country_code,
        vat_number
    from customers
    qualify row_number() over (partition by customer_id order by valid_from desc) = 1

)

select * from latest
