with

accounts as (

    select
        pass_id,
        billing_account_id,
        landing_watermark,
        {{ to_utc('period_end', 'time_zone') }} as usage_before
    from {{ ref('int_accounts__in_scope') }}

),

list_priced as (

    select * from {{ ref('int_usage__list_priced') }}

),

suspended as (

    select event_id from {{ ref('int_usage__suspended') }}

),

billed as (

    select distinct event_id from {{ ref('stg_issued__billed_usage') }}

),

ordered as (

    select * from {{ ref('int_usage__ordered') }}

),

-- Everything rated and not yet billed that started before the period's end and had landed by the
-- recorded cut-off; late records come along with the period they belong to. And what is ordered to
-- be rated again, unless it would be another subscription's now: then it stays at its old prices.
unbilled as (

    select
        accounts.pass_id,
        list_priced.event_id,
        list_priced.file_id,
        list_priced.subscription_id,
        list_priced.billing_account_id,
        list_priced.plan_id,
        list_priced.service,
        list_priced.direction,
        list_priced.identifier,
        list_priced.other_number,
        list_priced.serving_network,
        list_priced.rating_group,
        list_priced.country_code,
        list_priced.zone_id,
        list_priced.roaming_zone_id,
        list_priced.time_band_id,
        list_priced.charge_code,
        list_priced.usage_rate_id,
        list_priced.usage_rate_step_id,
        list_priced.price_tier_set_id,
        list_priced.currency_code,
        list_priced.tax_category,
        list_priced.segment_number,
        list_priced.segment_count,
        list_priced.record_number,
        list_priced.duration_seconds,
        list_priced.volume_bytes,
        list_priced.measured_units,
        list_priced.units,
        list_priced.recorded_amount,
        list_priced.rate_amount,
        list_priced.per_units,
        list_priced.connect_amount,
        list_priced.list_amount,
        list_priced.started_at,
        list_priced.segment_started_at,
        list_priced.started_local,
        list_priced.tariff_date,
        list_priced.usage_period_start,
        list_priced.usage_period_end,
        ordered.event_id is not null as is_ordered
    from accounts
    inner join list_priced
        on
            accounts.billing_account_id = list_priced.billing_account_id
            and list_priced.started_at < accounts.usage_before
            and list_priced.landing_sequence <= accounts.landing_watermark
    left join suspended on list_priced.event_id = suspended.event_id
    left join billed on list_priced.event_id = billed.event_id
    left join ordered
        on
            list_priced.event_id = ordered.event_id
            and list_priced.billing_account_id = ordered.billing_account_id
            and list_priced.subscription_id = ordered.subscription_id
            and list_priced.usage_period_start = ordered.usage_period_start
    where
        suspended.event_id is null
        and (billed.event_id is null or ordered.event_id is not null)

)

select * from unbilled
