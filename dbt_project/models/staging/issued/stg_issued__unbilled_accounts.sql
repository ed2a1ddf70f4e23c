with

unbilled_accounts as (

    select * from {{ read_files('issued', 'unbilled_accounts') }}

),

committed_files as (

    select
        issue_id,
        ledger_sequence
    from {{ ref('stg_ledger__frozen_files') }}
    where entity = 'unbilled_accounts'

),

-- A frozen file whose hash the ledger never committed does not exist.
committed as (

    select
        unbilled_accounts.pass_id,
        unbilled_accounts.billing_account_id,
        unbilled_accounts.currency_code,
        unbilled_accounts.outcome,
        unbilled_accounts.outcome_reason,
        unbilled_accounts.total_amount,
        unbilled_accounts.issue_id,
        committed_files.ledger_sequence as issue_sequence
    from unbilled_accounts
    inner join committed_files on unbilled_accounts.issue_id = committed_files.issue_id

)

select * from committed
