with

control_totals as (

    select * from {{ read_files('issued', 'control_totals') }}

),

committed_files as (

    select
        issue_id,
        ledger_sequence
    from {{ ref('stg_ledger__frozen_files') }}
    where entity = 'control_totals'

),

-- A frozen file whose hash the ledger never committed does not exist.
committed as (

    select
        control_totals.pass_id,
        control_totals.control_name,
        control_totals.item_count,
        control_totals.duration_seconds,
        control_totals.volume_bytes,
        control_totals.amount,
        control_totals.issue_id,
        committed_files.ledger_sequence as issue_sequence
    from control_totals
    inner join committed_files on control_totals.issue_id = committed_files.issue_id

)

select * from committed
