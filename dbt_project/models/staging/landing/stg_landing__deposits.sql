with

deposits as (

    select * from {{ read_files('landing', 'deposits') }}

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
        deposits.deposit_id,
        deposits.billing_account_id,
        deposits.currency_code,
        deposits.amount,
        deposits.paid_date,
        deposits.file_id,
        files.landing_sequence,
        deposits.record_number
    from deposits
    inner join files on deposits.file_id = files.file_id

),

-- A later file replaces an earlier one for the same key, from its landing on.
versioned as (

    select
        deposit_id,
        billing_account_id,
        currency_code,
        amount,
        paid_date,
        file_id,
        landing_sequence,
        record_number,
        lead(landing_sequence) over (
            partition by deposit_id
            order by landing_sequence, record_number
        ) as superseded_sequence
    from committed

)

select * from versioned
