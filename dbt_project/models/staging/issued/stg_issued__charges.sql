with

charges as (

    select * from {{ read_files('issued', 'charges') }}

),

committed_files as (

    select
        issue_id,
        ledger_sequence
    from {{ ref('stg_ledger__frozen_files') }}
    where entity = 'charges'

),

-- A frozen file whose hash the ledger never committed does not exist.
committed as (

    select
        charges.charge_id,
        charges.pass_id,
        charges.billing_account_id,
        charges.subscription_id,
        charges.plan_id,
        charges.charge_type,
        charges.charge_code,
        charges.source_id,
        charges.description_en,
        charges.description_de,
        charges.unit,
        charges.currency_code,
        charges.tax_category,
        charges.priced_currency_code,
        charges.exchange_rate_id,
        charges.event_count,
        charges.quantity,
        charges.free_quantity,
        charges.display_order,
        charges.priced_amount,
        charges.exchange_rate,
        charges.amount,
        charges.tax_point_date,
        charges.aligned_period_start,
        charges.period_start,
        charges.period_end,
        charges.charged_through_date,
        charges.corrected_charge_id,
        charges.proration,
        charges.price_id,
        charges.price_amount,
        charges.charged_units,
        charges.period_units,
        charges.charged_from_local,
        charges.charged_to_local,
        charges.issue_id,
        committed_files.ledger_sequence as issue_sequence
    from charges
    inner join committed_files on charges.issue_id = committed_files.issue_id

)

select * from committed
