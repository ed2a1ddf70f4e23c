with

allowance_draws as (

    select * from {{ read_files('issued', 'allowance_draws') }}

),

committed_files as (

    select
        issue_id,
        ledger_sequence
    from {{ ref('stg_ledger__frozen_files') }}
    where entity = 'allowance_draws'

),

-- A frozen file whose hash the ledger never committed does not exist.
committed as (

    select
        allowance_draws.pass_id,
        allowance_draws.billing_account_id,
        allowance_draws.pool_id,
        allowance_draws.allowance_scope_id,
        allowance_draws.allowance_id,
        allowance_draws.granted_quantity,
        allowance_draws.drawn_quantity,
        allowance_draws.free_quantity,
        allowance_draws.closing_quantity,
        allowance_draws.granted_from,
        allowance_draws.usable_to,
        allowance_draws.usage_period_start,
        allowance_draws.issue_id,
        committed_files.ledger_sequence as issue_sequence
    from allowance_draws
    inner join committed_files on allowance_draws.issue_id = committed_files.issue_id

)

select * from committed
