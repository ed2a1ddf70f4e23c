with

rule_use as (

    select * from {{ read_files('issued', 'rule_use') }}

),

committed_files as (

    select
        issue_id,
        ledger_sequence
    from {{ ref('stg_ledger__frozen_files') }}
    where entity = 'rule_use'

),

-- A frozen file whose hash the ledger never committed does not exist.
committed as (

    select
        rule_use.pass_id,
        rule_use.billing_account_id,
        rule_use.rule_type,
        rule_use.rule_id,
        rule_use.holder_id,
        rule_use.currency_code,
        rule_use.measured_amount,
        rule_use.taken_amount,
        rule_use.aligned_period_start,
        rule_use.issue_id,
        committed_files.ledger_sequence as issue_sequence
    from rule_use
    inner join committed_files on rule_use.issue_id = committed_files.issue_id

)

select * from committed
