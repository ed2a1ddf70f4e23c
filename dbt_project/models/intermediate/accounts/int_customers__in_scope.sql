with

passes as (

    select
        pass_id,
        crm_sequence,
        bill_date
    from {{ ref('int_passes__in_scope') }}

),

customers as (

    select * from {{ ref('int_customers__known') }}

),

in_scope as (

    select
        passes.pass_id,
        customers.customer_id,
        customers.customer_type,
        customers.customer_name,
        customers.email,
        customers.street,
        customers.postal_code,
        customers.city,
        customers.country_code,
        customers.vat_number
    from passes
    inner join customers
        on
            passes.crm_sequence = customers.crm_sequence
            and passes.bill_date >= customers.valid_from
            and passes.bill_date < customers.valid_to

)

select * from in_scope
