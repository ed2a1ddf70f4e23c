with

payments as (

    select * from {{ read_files('landing', 'payments') }}

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
        payments.payment_id,
        payments.invoice_number,
        payments.payer_name,
        payments.currency_code,
        payments.amount,
        payments.paid_date,
        payments.file_id,
        files.landing_sequence,
        payments.record_number
    from payments
    inner join files on payments.file_id = files.file_id

),

-- A later file replaces an earlier one for the same key.
latest as (

    select
        payment_id,
        invoice_number,
        payer_name,
        currency_code,
        amount,
        paid_date,
        file_id,
        landing_sequence,
        record_number
    from committed
    qualify
        row_number() over (
            partition by
                payment_id
            order by landing_sequence desc, record_number desc
        ) = 1

)

select * from latest
