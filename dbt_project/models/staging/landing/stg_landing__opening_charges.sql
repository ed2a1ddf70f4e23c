with

opening_charges as (

    select * from {{ read_files('landing', 'opening_charges') }}

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
        opening_charges.opening_charge_id,
        opening_charges.subscription_id,
        opening_charges.plan_id,
        opening_charges.charge_code,
        opening_charges.currency_code,
        opening_charges.tax_category,
        opening_charges.amount,
        opening_charges.credited_amount,
        opening_charges.period_start,
        opening_charges.period_end,
        opening_charges.file_id,
        files.landing_sequence,
        opening_charges.record_number
    from opening_charges
    inner join files on opening_charges.file_id = files.file_id

),

-- A later file replaces an earlier one for the same key.
latest as (

    select
        opening_charge_id,
        subscription_id,
        plan_id,
        charge_code,
        currency_code,
        tax_category,
        amount,
        credited_amount,
        period_start,
        period_end,
        file_id,
        landing_sequence,
        record_number
    from committed
    qualify
        row_number() over (
            partition by
                opening_charge_id
            order by landing_sequence desc, record_number desc
        ) = 1

)

select * from latest
