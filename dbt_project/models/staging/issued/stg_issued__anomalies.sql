with

anomalies as (

    select * from {{ read_files('issued', 'anomalies') }}

),

committed_files as (

    select
        issue_id,
        ledger_sequence
    from {{ ref('stg_ledger__frozen_files') }}
    where entity = 'anomalies'

),

-- A frozen file whose hash the ledger never committed does not exist.
committed as (

    select
        anomalies.review_item_id,
        anomalies.pass_id,
        anomalies.billing_account_id,
        anomalies.rule_id,
        anomalies.seen,
        anomalies.expected,
        anomalies.amount_at_stake,
        anomalies.issue_id,
        committed_files.ledger_sequence as issue_sequence
    from anomalies
    inner join committed_files on anomalies.issue_id = committed_files.issue_id

)

select * from committed
