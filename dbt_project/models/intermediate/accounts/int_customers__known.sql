with

customers as (

    select * from {{ ref('stg_landing__customers') }}

),

known as (

    select
        crm_sequence,
        is_latest
    from {{ ref('int_crm__known') }}

),

-- The first row reaches back: who is billed for an earlier day has a name.
dated as (

    select
        known.crm_sequence,
        known.is_latest,
        customers.customer_id,
        customers.customer_type,
        customers.customer_name,
        customers.email,
        customers.street,
        customers.postal_code,
        customers.city,
        customers.country_code,
        customers.vat_number,
        case
            when
                row_number() over (
                    partition by known.crm_sequence, customers.customer_id
                    order by customers.valid_from
                ) = 1
                then cast('1900-01-01' as date)
            else customers.valid_from
        end as valid_from,
        coalesce(
            lead(customers.valid_from) over (
                partition by known.crm_sequence, customers.customer_id
                order by customers.valid_from
            ),
            cast('9999-12-31' as date)
        ) as valid_to
    from known
    inner join customers
        on
            customers.landing_sequence <= known.crm_sequence
            and coalesce(customers.superseded_sequence, known.crm_sequence + 1) > known.crm_sequence

)

select * from dated
