with

price_overrides as (

    select * from {{ read_files('landing', 'price_overrides') }}

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
        price_overrides.price_override_id,
        price_overrides.billing_account_id,
        price_overrides.subscription_id,
        price_overrides.plan_id,
        price_overrides.charge_code,
        price_overrides.currency_code,
        price_overrides.amount,
        price_overrides.valid_from,
        price_overrides.valid_to,
        price_overrides.file_id,
        files.landing_sequence,
        price_overrides.record_number
    from price_overrides
    inner join files on price_overrides.file_id = files.file_id

),

-- A later file replaces an earlier one for the same key, from its landing on.
versioned as (

    select
        price_override_id,
        billing_account_id,
        subscription_id,
        plan_id,
        charge_code,
        currency_code,
        amount,
        valid_from,
        valid_to,
        file_id,
        landing_sequence,
        record_number,
        lead(landing_sequence) over (
            partition by price_override_id
            order by landing_sequence, record_number
        ) as superseded_sequence
    from committed

)

select * from versioned
