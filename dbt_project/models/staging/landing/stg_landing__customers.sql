with

customers as (

    select * from {{ read_files('landing', 'customers') }}

),

files as (

    select
        file_id,
        landing_sequence
    from {{ ref('stg_landing__files') }}
    where file_status = 'accepted'

),

committed as (

    select
        customers.customer_id,
        customers.customer_type,
        customers.customer_name,
        customers.email,
        customers.street,
        customers.postal_code,
        customers.city,
        customers.country_code,
        customers.vat_number,
        customers.valid_from,
        customers.file_id,
        files.landing_sequence,
        customers.record_number
    from customers
    inner join files on customers.file_id = files.file_id

),

-- A later file replaces an earlier one for the same key, from its landing on.
versioned as (

    select
        customer_id,
        customer_type,
        customer_name,
        email,
        street,
        postal_code,
        city,
        country_code,
        vat_number,
        valid_from,
        file_id,
        landing_sequence,
        record_number,
        lead(landing_sequence) over (
            partition by customer_id, valid_from
            order by landing_sequence, record_number
        ) as superseded_sequence
    from committed

)

select * from versioned
