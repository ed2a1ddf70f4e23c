with

charge_reductions as (

    select * from {{ read_files('issued', 'charge_reductions') }}

),

committed_files as (

    select
        issue_id,
        ledger_sequence
    from {{ ref('stg_ledger__frozen_files') }}
    where entity = 'charge_reductions'

),

-- A frozen file whose hash the ledger never committed does not exist.
committed as (

    select
        charge_reductions.charge_id,
        charge_reductions.reduced_charge_id,
        charge_reductions.pass_id,
        charge_reductions.billing_account_id,
        charge_reductions.subscription_id,
        charge_reductions.rule_type,
        charge_reductions.rule_id,
        charge_reductions.currency_code,
        charge_reductions.tax_category,
        charge_reductions.base_amount,
        charge_reductions.amount,
        charge_reductions.rounded_amount,
        charge_reductions.tax_point_date,
        charge_reductions.aligned_period_start,
        charge_reductions.period_start,
        charge_reductions.period_end,
        charge_reductions.issue_id,
        committed_files.ledger_sequence as issue_sequence
    from charge_reductions
    inner join committed_files on charge_reductions.issue_id = committed_files.issue_id

)

select * from committed
