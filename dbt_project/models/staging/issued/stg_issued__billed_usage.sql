with

billed_usage as (

    select * from {{ read_files('issued', 'billed_usage') }}

),

committed_files as (

    select
        issue_id,
        ledger_sequence
    from {{ ref('stg_ledger__frozen_files') }}
    where entity = 'billed_usage'

),

-- A frozen file whose hash the ledger never committed does not exist.
committed as (

    select
        billed_usage.pass_id,
        billed_usage.event_id,
        billed_usage.file_id,
        billed_usage.subscription_id,
        billed_usage.billing_account_id,
        billed_usage.plan_id,
        billed_usage.service,
        billed_usage.direction,
        billed_usage.identifier,
        billed_usage.other_number,
        billed_usage.serving_network,
        billed_usage.rating_group,
        billed_usage.country_code,
        billed_usage.zone_id,
        billed_usage.roaming_zone_id,
        billed_usage.time_band_id,
        billed_usage.charge_code,
        billed_usage.usage_rate_id,
        billed_usage.usage_rate_step_id,
        billed_usage.price_tier_set_id,
        billed_usage.allowance_scope_id,
        billed_usage.fair_use_limit_id,
        billed_usage.currency_code,
        billed_usage.tax_category,
        billed_usage.segment_number,
        billed_usage.segment_count,
        billed_usage.record_number,
        billed_usage.duration_seconds,
        billed_usage.volume_bytes,
        billed_usage.measured_units,
        billed_usage.units,
        billed_usage.free_units,
        billed_usage.charged_units,
        billed_usage.over_limit_units,
        billed_usage.counted_units_before,
        billed_usage.counted_units,
        billed_usage.rate_amount,
        billed_usage.per_units,
        billed_usage.connect_amount,
        billed_usage.list_connect_amount,
        billed_usage.list_amount,
        billed_usage.tier_amount,
        billed_usage.rated_amount,
        billed_usage.is_reversal,
        billed_usage.started_at,
        billed_usage.segment_started_at,
        billed_usage.started_local,
        billed_usage.tariff_date,
        billed_usage.usage_period_start,
        billed_usage.usage_period_end,
        billed_usage.issue_id,
        committed_files.ledger_sequence as issue_sequence
    from billed_usage
    inner join committed_files on billed_usage.issue_id = committed_files.issue_id

)

select * from committed
