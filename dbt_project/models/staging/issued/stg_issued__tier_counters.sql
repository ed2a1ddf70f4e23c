with

tier_counters as (

    select * from {{ read_files('issued', 'tier_counters') }}

),

committed_files as (

    select
        issue_id,
        ledger_sequence
    from {{ ref('stg_ledger__frozen_files') }}
    where entity = 'tier_counters'

),

-- A frozen file whose hash the ledger never committed does not exist.
committed as (

    select
        tier_counters.pass_id,
        tier_counters.billing_account_id,
        tier_counters.subscription_id,
        tier_counters.price_tier_set_id,
        tier_counters.event_count,
        tier_counters.counted_units,
        tier_counters.largest_units,
        tier_counters.billed_amount,
        tier_counters.fee_amount,
        tier_counters.usage_period_start,
        tier_counters.issue_id,
        committed_files.ledger_sequence as issue_sequence
    from tier_counters
    inner join committed_files on tier_counters.issue_id = committed_files.issue_id

)

select * from committed
