with

one_off_charges as (

    select * from {{ read_files('landing', 'one_off_charges') }}

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
        one_off_charges.one_off_charge_id,
        one_off_charges.corrected_charge_id,
        one_off_charges.subscription_id,
        one_off_charges.description,
        one_off_charges.currency_code,
        one_off_charges.tax_category,
        one_off_charges.charge_code,
        one_off_charges.amount,
        one_off_charges.charged_date,
        one_off_charges.file_id,
        files.landing_sequence,
        one_off_charges.record_number
    from one_off_charges
    inner join files on one_off_charges.file_id = files.file_id

),

-- A later file replaces an earlier one for the same key, from its landing on.
versioned as (

    select
        one_off_charge_id,
        corrected_charge_id,
        subscription_id,
        description,
        currency_code,
        tax_category,
        charge_code,
        amount,
        charged_date,
        file_id,
        landing_sequence,
        record_number,
        lead(landing_sequence) over (
            partition by one_off_charge_id
            order by landing_sequence, record_number
        ) as superseded_sequence
    from committed

)

select * from versioned
