{{
    config(
        materialized='incremental',
        incremental_strategy='replace_runs',
        on_schema_change='fail'
    )
}}

with

passes as (

    select pass_id from {{ ref('int_passes__in_scope') }}

),

gathered as (

    select gathered_usage.*
    from {{ ref('int_usage__gathered') }} as gathered_usage
    inner join passes on gathered_usage.pass_id = passes.pass_id

),

fair_use as (

    select
        fair_use.pass_id,
        fair_use.event_id,
        fair_use.segment_number,
        fair_use.fair_use_limit_id,
        fair_use.over_limit_units,
        limits.rate_amount,
        limits.per_units
    from {{ ref('int_usage__fair_use') }} as fair_use
    inner join {{ ref('fair_use_limits') }} as limits
        on fair_use.fair_use_limit_id = limits.fair_use_limit_id

),

drawn as (

    select
        pass_id,
        event_id,
        segment_number,
        sum(free_units) as free_units,
        min_by(allowance_scope_id, layer) as allowance_scope_id
    from {{ ref('int_allowance_draws__by_event') }}
    group by pass_id, event_id, segment_number

),

charged as (

    select
        gathered.*,
        drawn.allowance_scope_id,
        fair_use.fair_use_limit_id,
        coalesce(drawn.free_units, 0) as free_units,
        gathered.units - coalesce(drawn.free_units, 0) as charged_units,
        coalesce(fair_use.over_limit_units, 0) as over_limit_units,
        gathered.units - coalesce(drawn.free_units, 0) - coalesce(fair_use.over_limit_units, 0)
            as rate_units,
        fair_use.rate_amount as over_limit_rate_amount,
        fair_use.per_units as over_limit_per_units
    from gathered
    left join fair_use
        on
            gathered.pass_id = fair_use.pass_id
            and gathered.event_id = fair_use.event_id
            and gathered.segment_number = fair_use.segment_number
    left join drawn
        on
            gathered.pass_id = drawn.pass_id
            and gathered.event_id = drawn.event_id
            and gathered.segment_number = drawn.segment_number

),

tier_sets as (

    select * from {{ ref('price_tier_sets') }}

),

price_tiers as (

    select * from {{ ref('int_price_tiers__cumulated') }}

),

counted_before as (

    select * from {{ ref('int_tier_counters__before') }}

),

accounts as (

    select
        pass_id,
        billing_account_id,
        period_end,
        closed_date
    from {{ ref('int_accounts__in_scope') }}

),

-- What is priced by tiers is counted over its period, in time order.
cumulated as (

    select
        pass_id,
        billing_account_id,
        subscription_id,
        event_id,
        segment_number,
        price_tier_set_id,
        rate_units as charged_units,
        tariff_date,
        usage_period_start,
        usage_period_end,
        cast(sum(rate_units) over up_to_here as bigint) as cumulated_units,
        cast(sum(case when segment_number = 1 then 1 else 0 end) over up_to_here as bigint)
            as event_number,
        max(rate_units) over up_to_here as largest_units,
        max(rate_units) over (
            partition by pass_id, subscription_id, price_tier_set_id, usage_period_start
            order by started_at, event_id, segment_number
            rows between unbounded preceding and 1 preceding
        ) as largest_units_before
    from charged
    where price_tier_set_id is not null
    window up_to_here as (
        partition by pass_id, subscription_id, price_tier_set_id, usage_period_start
        order by started_at, event_id, segment_number
        rows between unbounded preceding and current row
    )

),

-- After what earlier passes counted. What a pass adds is rounded up by itself.
counted as (

    select
        cumulated.pass_id,
        cumulated.event_id,
        cumulated.segment_number,
        cumulated.price_tier_set_id,
        cumulated.charged_units,
        cumulated.tariff_date,
        tier_sets.pricing_model,
        tier_sets.free_events,
        tier_sets.free_units as set_free_units,
        tier_sets.event_amount,
        tier_sets.event_minimum_amount,
        tier_sets.event_maximum_amount,
        coalesce(counted_before.event_count, 0) + cumulated.event_number as event_number,
        case
            when tier_sets.pricing_model in ('volume', 'capacity')
                then
                    accounts.period_end >= cumulated.usage_period_end
                    or coalesce(accounts.closed_date <= accounts.period_end, false)
            else true
        end as is_priced_now,
        case tier_sets.pricing_model
            when 'capacity'
                then
                    greatest(
                        coalesce(counted_before.largest_units, 0),
                        coalesce(cumulated.largest_units_before, 0)
                    )
            else
                coalesce(counted_before.counted_units, 0)
                + {{ round_up_to(
                    '(cumulated.cumulated_units - cumulated.charged_units)',
                    'tier_sets.pass_increment'
                ) }}
        end as counted_units_before,
        case tier_sets.pricing_model
            when 'capacity'
                then
                    greatest(coalesce(counted_before.largest_units, 0), cumulated.largest_units)
            else
                coalesce(counted_before.counted_units, 0)
                + {{ round_up_to('cumulated.cumulated_units', 'tier_sets.pass_increment') }}
        end as counted_units
    from cumulated
    inner join tier_sets on cumulated.price_tier_set_id = tier_sets.price_tier_set_id
    inner join accounts
        on
            cumulated.pass_id = accounts.pass_id
            and cumulated.billing_account_id = accounts.billing_account_id
    left join counted_before
        on
            cumulated.subscription_id = counted_before.subscription_id
            and cumulated.price_tier_set_id = counted_before.price_tier_set_id
            and cumulated.usage_period_start = counted_before.usage_period_start

),

-- Leading events are free until their number is used up or their units are passed.
freed as (

    select
        *,
        case
            when free_events is null and set_free_units is null then cast(0 as bigint)
            when event_number > free_events then cast(0 as bigint)
            when set_free_units is null then charged_units
            else greatest(least(set_free_units - counted_units_before, charged_units), 0)
        end as event_free_units,
        (free_events is not null or set_free_units is not null)
        and coalesce(event_number <= free_events, true)
        and coalesce(counted_units <= set_free_units, true) as is_free_event
    from counted

),

-- D-093: an event costs what it adds to the price of the period.
tier_priced as (

    select
        freed.pass_id,
        freed.event_id,
        freed.segment_number,
        freed.counted_units_before,
        freed.counted_units,
        case
            when not freed.is_priced_now then cast(0 as decimal(18, 6))
            when freed.pricing_model = 'percentage'
                then {{ event_price('freed', 'tiers_after') }}
            else
                {{ tier_price('freed.counted_units', 'tiers_after') }}
                - {{ tier_price('freed.counted_units_before', 'tiers_before') }}
        end as tier_amount
    from freed
    left join price_tiers as tiers_after
        on
            freed.price_tier_set_id = tiers_after.price_tier_set_id
            and freed.tariff_date >= tiers_after.valid_from
            and freed.tariff_date < tiers_after.valid_to
            and greatest(freed.counted_units, 1) > tiers_after.from_units
            and greatest(freed.counted_units, 1) <= tiers_after.to_units
    left join price_tiers as tiers_before
        on
            freed.price_tier_set_id = tiers_before.price_tier_set_id
            and freed.tariff_date >= tiers_before.valid_from
            and freed.tariff_date < tiers_before.valid_to
            and greatest(freed.counted_units_before, 1) > tiers_before.from_units
            and greatest(freed.counted_units_before, 1) <= tiers_before.to_units

),

usage_rates as (

    select
        usage_rate_id,
        connect_when,
        minimum_amount,
        maximum_amount,
        maximum_strategy,
        rounding_method,
        rounding_decimals
    from {{ ref('usage_rates') }}

),

priced as (

    select
        charged.*,
        tier_priced.counted_units_before,
        tier_priced.counted_units,
        case
            when charged.price_tier_set_id is null
                then {{ price_units(
                    'charged.rate_amount', 'charged.rate_units', 'charged.per_units'
                ) }}
            else tier_priced.tier_amount
        end as rate_units_amount,
        case
            when charged.over_limit_units = 0 then cast(0 as decimal(18, 6))
            else {{ price_units(
                'charged.over_limit_rate_amount', 'charged.over_limit_units',
                'charged.over_limit_per_units'
            ) }}
        end as over_limit_amount
    from charged
    left join tier_priced
        on
            charged.pass_id = tier_priced.pass_id
            and charged.event_id = tier_priced.event_id
            and charged.segment_number = tier_priced.segment_number

),

united as (

    select
        *,
        rate_units_amount + over_limit_amount as unit_amount
    from priced

),

cut_events as (

    select
        pass_id,
        event_id,
        sum(unit_amount) as unit_amount,
        sum(charged_units) as units,
        sum(free_units) as free_units
    from united
    where segment_count > 1
    group by pass_id, event_id

),

-- D-053: the connect fee, minimum, maximum and rounding are the event's, after its allowances.
connected as (

    select
        {{ all_columns_but('united', ['connect_amount']) }},
        usage_rates.minimum_amount,
        usage_rates.maximum_amount,
        usage_rates.maximum_strategy,
        usage_rates.rounding_method,
        usage_rates.rounding_decimals,
        united.connect_amount as list_connect_amount,
        coalesce(cut_events.unit_amount, united.unit_amount) as event_unit_amount,
        coalesce(cut_events.units, united.charged_units) as event_units,
        case
            when
                usage_rates.connect_when = 'nothing_free'
                and coalesce(cut_events.free_units, united.free_units) > 0
                then cast(0 as decimal(18, 6))
            else united.connect_amount
        end as connect_amount
    from united
    left join cut_events
        on united.pass_id = cut_events.pass_id and united.event_id = cut_events.event_id
    left join usage_rates on united.usage_rate_id = usage_rates.usage_rate_id

),

bounded as (

    select
        connected.*,
        {{ event_amount(
            'connected.event_unit_amount', 'connected.event_units', 'connected.connect_amount',
            'connected'
        ) }} as event_amount
    from connected

),

settled as (

    select
        bounded.*,
        case
            when bounded.charged_units = 0 and bounded.price_tier_set_id is not null
                then bounded.unit_amount
            else {{ segment_amount('bounded') }}
        end as rated_amount
    from bounded

),

rated as (

    select
        pass_id,
        event_id,
        file_id,
        subscription_id,
        billing_account_id,
        plan_id,
        service,
        direction,
        identifier,
        other_number,
        serving_network,
        rating_group,
        country_code,
        zone_id,
        roaming_zone_id,
        time_band_id,
        charge_code,
        usage_rate_id,
        usage_rate_step_id,
        price_tier_set_id,
        allowance_scope_id,
        fair_use_limit_id,
        currency_code,
        tax_category,
        segment_number,
        segment_count,
        record_number,
        duration_seconds,
        volume_bytes,
        measured_units,
        units,
        cast(free_units as bigint) as free_units,
        cast(charged_units as bigint) as charged_units,
        cast(over_limit_units as bigint) as over_limit_units,
        cast(counted_units_before as bigint) as counted_units_before,
        cast(counted_units as bigint) as counted_units,
        rate_amount,
        per_units,
        connect_amount,
        list_connect_amount,
        list_amount,
        cast(
            case when price_tier_set_id is not null then rate_units_amount end as decimal(18, 6)
        ) as tier_amount,
        cast(rated_amount as decimal(18, 6)) as rated_amount,
        false as is_reversal,
        started_at,
        segment_started_at,
        started_local,
        tariff_date,
        usage_period_start,
        usage_period_end
    from settled

),

-- D-210: what an earlier pass billed of it is taken back, so that all rows add up to what is due.
taken_back as (

    select
        reopened.pass_id,
        reopened.event_id,
        reopened.file_id,
        reopened.subscription_id,
        reopened.billing_account_id,
        reopened.plan_id,
        reopened.service,
        reopened.direction,
        reopened.identifier,
        reopened.other_number,
        reopened.serving_network,
        reopened.rating_group,
        reopened.country_code,
        reopened.zone_id,
        reopened.roaming_zone_id,
        reopened.time_band_id,
        reopened.charge_code,
        reopened.usage_rate_id,
        reopened.usage_rate_step_id,
        reopened.price_tier_set_id,
        reopened.allowance_scope_id,
        reopened.fair_use_limit_id,
        reopened.currency_code,
        reopened.tax_category,
        reopened.segment_number,
        reopened.segment_count,
        reopened.record_number,
        reopened.duration_seconds,
        reopened.volume_bytes,
        -reopened.measured_units as measured_units,
        -reopened.units as units,
        -reopened.free_units as free_units,
        -reopened.charged_units as charged_units,
        -reopened.over_limit_units as over_limit_units,
        reopened.counted_units_before,
        reopened.counted_units,
        reopened.rate_amount,
        reopened.per_units,
        -reopened.connect_amount as connect_amount,
        -reopened.list_connect_amount as list_connect_amount,
        -reopened.list_amount as list_amount,
        -reopened.tier_amount as tier_amount,
        -reopened.rated_amount as rated_amount,
        true as is_reversal,
        reopened.started_at,
        reopened.segment_started_at,
        reopened.started_local,
        reopened.tariff_date,
        reopened.usage_period_start,
        reopened.usage_period_end
    from {{ ref('int_usage__reopened') }} as reopened
    inner join passes on reopened.pass_id = passes.pass_id

),

united_rows as (

    select * from rated
    union all
    select * from taken_back

)

select * from united_rows
