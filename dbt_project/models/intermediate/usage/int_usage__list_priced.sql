with

arrived as (

    select * from {{ ref('int_usage__arrived') }}

),

cut as (

    select * from {{ ref('int_usage__cut') }}

),

usage_rates as (

    select
        usage_rate_id,
        charge_code,
        price_basis,
        price_tier_set_id,
        currency_code,
        tax_category,
        rate_amount,
        per_units,
        connect_amount,
        minimum_amount,
        maximum_amount,
        maximum_strategy,
        rounding_method,
        rounding_decimals
    from {{ ref('usage_rates') }}

),

usage_rate_steps as (

    select
        usage_rate_step_id,
        rate_amount,
        per_units
    from {{ ref('usage_rate_steps') }}

),

-- Most events are one segment; those that are cut have one row per segment.
segmented as (

    select
        arrived.event_id,
        arrived.file_id,
        arrived.subscription_id,
        arrived.billing_account_id,
        arrived.legal_entity_id,
        arrived.plan_id,
        arrived.service,
        arrived.direction,
        arrived.identifier,
        arrived.other_number,
        arrived.serving_network,
        arrived.rating_group,
        arrived.country_code,
        arrived.zone_id,
        arrived.roaming_zone_id,
        case when arrived.is_cut then cut.time_band_id else arrived.time_band_id end
            as time_band_id,
        case when arrived.is_cut then cut.usage_rate_id else arrived.usage_rate_id end
            as usage_rate_id,
        cut.usage_rate_step_id,
        coalesce(arrived.suspense_reason, cut.suspense_reason) as suspense_reason,
        arrived.guiding_hash,
        arrived.tariff_hash,
        coalesce(cut.segment_number, 1) as segment_number,
        coalesce(cut.segment_count, 1) as segment_count,
        arrived.landing_sequence,
        arrived.record_number,
        arrived.duration_seconds,
        arrived.volume_bytes,
        coalesce(cut.measured_units, arrived.measured_units) as measured_units,
        case when arrived.is_cut then cut.units else arrived.units end as units,
        arrived.recorded_amount,
        arrived.is_first_segment,
        arrived.started_at,
        coalesce(cut.segment_started_at, arrived.started_at) as segment_started_at,
        arrived.started_local,
        arrived.tariff_date,
        arrived.usage_period_start,
        arrived.usage_period_end
    from arrived
    left join cut on arrived.event_id = cut.event_id

),

-- What is priced as recorded costs its own amount, whatever its units.
rated as (

    select
        segmented.*,
        usage_rates.charge_code,
        usage_rates.price_tier_set_id,
        usage_rates.currency_code,
        usage_rates.tax_category,
        case usage_rates.price_basis
            when 'recorded'
                then {{ share_of('abs(segmented.recorded_amount)', 'usage_rates.rate_amount', 1) }}
            else coalesce(usage_rate_steps.rate_amount, usage_rates.rate_amount)
        end as rate_amount,
        case usage_rates.price_basis
            when 'recorded' then greatest(abs(segmented.units), 1)
            else coalesce(usage_rate_steps.per_units, usage_rates.per_units)
        end as per_units,
        case
            when segmented.segment_number = 1 and segmented.is_first_segment
                then usage_rates.connect_amount
            else cast(0 as decimal(18, 6))
        end as connect_amount
    from segmented
    left join usage_rates on segmented.usage_rate_id = usage_rates.usage_rate_id
    left join usage_rate_steps
        on segmented.usage_rate_step_id = usage_rate_steps.usage_rate_step_id

),

priced as (

    select
        rated.*,
        coalesce({{ price_units('rated.rate_amount', 'rated.units', 'rated.per_units') }}, 0)
            as unit_amount
    from rated

),

cut_events as (

    select
        event_id,
        sum(unit_amount) as unit_amount,
        sum(units) as units
    from priced
    where segment_count > 1
    group by event_id

),

-- D-053: the connect fee, minimum, maximum and rounding are the event's.
bounded as (

    select
        priced.*,
        usage_rates.rounding_method,
        usage_rates.rounding_decimals,
        coalesce(cut_events.unit_amount, priced.unit_amount) as event_unit_amount,
        {{ event_amount(
            'coalesce(cut_events.unit_amount, priced.unit_amount)',
            'coalesce(cut_events.units, priced.units)', 'priced.connect_amount', 'usage_rates'
        ) }} as event_amount
    from priced
    left join cut_events on priced.event_id = cut_events.event_id
    left join usage_rates on priced.usage_rate_id = usage_rates.usage_rate_id

),

list_priced as (

    select
        bounded.event_id,
        bounded.file_id,
        bounded.subscription_id,
        bounded.billing_account_id,
        bounded.legal_entity_id,
        bounded.plan_id,
        bounded.service,
        bounded.direction,
        bounded.identifier,
        bounded.other_number,
        bounded.serving_network,
        bounded.rating_group,
        bounded.country_code,
        bounded.zone_id,
        bounded.roaming_zone_id,
        bounded.time_band_id,
        bounded.charge_code,
        bounded.usage_rate_id,
        bounded.usage_rate_step_id,
        bounded.price_tier_set_id,
        bounded.currency_code,
        bounded.tax_category,
        bounded.suspense_reason,
        bounded.guiding_hash,
        bounded.tariff_hash,
        bounded.segment_number,
        bounded.segment_count,
        bounded.landing_sequence,
        bounded.record_number,
        bounded.duration_seconds,
        bounded.volume_bytes,
        bounded.measured_units,
        bounded.units,
        bounded.recorded_amount,
        bounded.rate_amount,
        bounded.per_units,
        bounded.connect_amount,
        {{ segment_amount('bounded') }} as list_amount,
        bounded.started_at,
        bounded.segment_started_at,
        bounded.started_local,
        bounded.tariff_date,
        bounded.usage_period_start,
        bounded.usage_period_end
    from bounded

)

select * from list_priced
