with

billing_accounts as (

    select * from {{ read_files('landing', 'billing_accounts') }}

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
        billing_accounts.billing_account_id,
        billing_accounts.customer_id,
        billing_accounts.legal_entity_id,
        billing_accounts.bill_cycle_id,
        billing_accounts.currency_code,
        billing_accounts.time_zone,
        billing_accounts.language,
        billing_accounts.delivery_channel,
        billing_accounts.sales_region,
        billing_accounts.tax_jurisdiction,
        billing_accounts.parent_account_id,
        billing_accounts.opened_date,
        billing_accounts.closed_date,
        billing_accounts.valid_from,
        billing_accounts.file_id,
        files.landing_sequence,
        billing_accounts.record_number
    from billing_accounts
    inner join files on billing_accounts.file_id = files.file_id

),

-- A later file replaces an earlier one for the same key, from its landing on.
versioned as (

    select
        billing_account_id,
        customer_id,
        legal_entity_id,
        bill_cycle_id,
        currency_code,
        time_zone,
        language,
        delivery_channel,
        sales_region,
        tax_jurisdiction,
        parent_account_id,
        opened_date,
        closed_date,
        valid_from,
        file_id,
        landing_sequence,
        record_number,
        lead(landing_sequence) over (
            partition by billing_account_id, valid_from
            order by landing_sequence, record_number
        ) as superseded_sequence
    from committed

)

select * from versioned
