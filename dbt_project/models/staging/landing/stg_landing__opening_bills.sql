with

opening_bills as (

    select * from {{ read_files('landing', 'opening_bills') }}

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
        opening_bills.billing_account_id,
        opening_bills.currency_code,
        opening_bills.usage_amount,
        opening_bills.total_amount,
        opening_bills.bill_date,
        opening_bills.period_start,
        opening_bills.period_end,
        opening_bills.file_id,
        files.landing_sequence,
        opening_bills.record_number
    from opening_bills
    inner join files on opening_bills.file_id = files.file_id

),

-- A later file replaces an earlier one for the same key.
latest as (

    select
        billing_account_id,
        currency_code,
        usage_amount,
        total_amount,
        bill_date,
        period_start,
        period_end,
        file_id,
        landing_sequence,
        record_number
    from committed
    qualify
        row_number() over (
            partition by
                billing_account_id,
                bill_date
            order by landing_sequence desc, record_number desc
        ) = 1

)

select * from latest
