with

held_lines as (

    select * from {{ read_files('issued', 'held_lines') }}

),

committed_files as (

    select
        issue_id,
        ledger_sequence
    from {{ ref('stg_ledger__frozen_files') }}
    where entity = 'held_lines'

),

-- A frozen file whose hash the ledger never committed does not exist.
committed as (

    select
        held_lines.pass_id,
        held_lines.billing_account_id,
        held_lines.subscription_id,
        held_lines.charge_type,
        held_lines.charge_code,
        held_lines.description_en,
        held_lines.description_de,
        held_lines.currency_code,
        held_lines.line_number,
        held_lines.event_count,
        held_lines.net_amount,
        held_lines.period_start,
        held_lines.period_end,
        held_lines.issue_id,
        committed_files.ledger_sequence as issue_sequence
    from held_lines
    inner join committed_files on held_lines.issue_id = committed_files.issue_id

)

select * from committed
