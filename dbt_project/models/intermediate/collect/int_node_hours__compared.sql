{{ config(materialized='table') }}

with

views as (

    select * from {{ ref('int_usage_views__known') }}

),

-- D-232: of one period the counters that landed last count, and of periods of several lengths the
-- shortest.
latest as (

    select
        views.view_id,
        counters.node,
        counters.service,
        counters.element,
        counters.measured_object,
        counters.counter,
        counters.period_seconds,
        counters.hour_at,
        counters.counted_seconds,
        counters.volume_bytes
    from views
    inner join {{ ref('int_counters__converted') }} as counters
        on views.landing_watermark >= counters.landing_sequence
    qualify
        row_number() over (
            partition by
                views.view_id,
                counters.element,
                counters.measured_object,
                counters.counter,
                counters.started_at,
                counters.period_seconds,
                counters.hour_at
            order by counters.landing_sequence desc, counters.record_number desc
        ) = 1

),

shortest as (

    select latest.*
    from latest
    qualify
        latest.period_seconds = min(latest.period_seconds) over (
            partition by
                latest.view_id,
                latest.element,
                latest.measured_object,
                latest.counter,
                latest.hour_at
        )

),

by_counter as (

    select
        view_id,
        node,
        service,
        hour_at,
        sum(volume_bytes) as volume_bytes,
        sum(counted_seconds) as counted_seconds
    from shortest
    group by view_id, node, service, element, measured_object, counter, hour_at

),

-- An hour is counted as far as all that counted in it did.
counted as (

    select
        view_id,
        node,
        service,
        hour_at,
        cast(sum(volume_bytes) as bigint) as counted_bytes,
        cast(least(min(counted_seconds), 3600) as bigint) as counted_seconds
    from by_counter
    group by view_id, node, service, hour_at

),

-- Before its first counter a node is not controlled.
controlled as (

    select
        view_id,
        node,
        service,
        min(hour_at) as first_hour_at
    from counted
    group by view_id, node, service

),

recorded as (

    select
        controlled.view_id,
        controlled.node,
        controlled.service,
        recorded_hours.hour_at,
        cast(sum(recorded_hours.volume_bytes) as bigint) as recorded_bytes
    from controlled
    inner join views on controlled.view_id = views.view_id
    inner join {{ ref('int_node_hours__recorded') }} as recorded_hours
        on
            controlled.node = recorded_hours.node
            and controlled.service = recorded_hours.service
            and controlled.first_hour_at <= recorded_hours.hour_at
            and views.landing_watermark >= recorded_hours.landing_sequence
    group by controlled.view_id, controlled.node, controlled.service, recorded_hours.hour_at

),

hours as (

    select
        view_id,
        node,
        service,
        hour_at
    from counted
    union distinct
    select
        view_id,
        node,
        service,
        hour_at
    from recorded

),

bands as (

    select
        counter_band_id,
        source_id,
        node,
        service,
        legal_entity_id,
        time_zone,
        low_share,
        high_share,
        minimum_bytes,
        deadline_hours,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('counter_bands') }}

),

last_billed as (

    select
        legal_entity_id,
        max(bill_date) as bill_date
    from {{ ref('stg_ledger__bill_runs') }}
    group by legal_entity_id
    union all
    select
        '*' as legal_entity_id,
        max(bill_date) as bill_date
    from {{ ref('stg_ledger__bill_runs') }}

),

-- The band that names most of the node counts.
banded as (

    select
        hours.view_id,
        hours.node,
        hours.service,
        hours.hour_at,
        {{ to_local_time('hours.hour_at', 'bands.time_zone') }} as local_hour,
        views.pass_id,
        views.pass_kind,
        views.bill_run_id,
        views.known_at,
        views.period_start,
        views.period_end,
        bands.counter_band_id,
        bands.source_id,
        bands.legal_entity_id,
        bands.low_share,
        bands.high_share,
        bands.minimum_bytes,
        bands.deadline_hours
    from hours
    inner join views on hours.view_id = views.view_id
    inner join bands
        on
            hours.service = bands.service
            and {{ fits('hours.node', 'bands.node') }}
            and (views.legal_entity_id is null or bands.legal_entity_id in (
                views.legal_entity_id, '*'
            ))
            and cast(hours.hour_at as date) >= bands.valid_from
            and cast(hours.hour_at as date) < bands.valid_to
    qualify
        row_number() over (
            partition by hours.view_id, hours.node, hours.service, hours.hour_at
            order by length(bands.node) desc, bands.counter_band_id asc
        ) = 1

),

-- A pass wants all hours of its period to agree; one on demand, and by now, those whose deadline
-- has passed. What was billed is judged too.
due as (

    select
        banded.*,
        coalesce(counted.counted_bytes, 0) as counted_bytes,
        coalesce(counted.counted_seconds, 0) as counted_seconds,
        coalesce(recorded.recorded_bytes, 0) as recorded_bytes,
        recorded.view_id is not null as is_recorded,
        counted.view_id is not null as is_counted
    from banded
    left join last_billed on banded.legal_entity_id = last_billed.legal_entity_id
    left join counted
        on
            banded.view_id = counted.view_id
            and banded.node = counted.node
            and banded.service = counted.service
            and banded.hour_at = counted.hour_at
    left join recorded
        on
            banded.view_id = recorded.view_id
            and banded.node = recorded.node
            and banded.service = recorded.service
            and banded.hour_at = recorded.hour_at
    where
        (
            banded.period_start is null
            or (
                banded.local_hour >= cast(banded.period_start as timestamp)
                and banded.local_hour < cast(banded.period_end as timestamp)
            )
        )
        and (
            coalesce(banded.pass_kind, 'off_cycle') <> 'off_cycle'
            or {{ add_seconds('banded.hour_at', '(banded.deadline_hours + 1) * 3600') }}
            <= banded.known_at
            or (
                banded.pass_id is null
                and banded.local_hour < cast(last_billed.bill_date as timestamp)
            )
        )

),

-- Counters of a part of the hour are less than what came: enough to see that usage is missing, but
-- not that there is too much.
judged as (

    select
        due.*,
        case
            when greatest(due.counted_bytes, due.recorded_bytes) < due.minimum_bytes then 'small'
            when
                cast(due.recorded_bytes as decimal(28, 4))
                < cast(due.counted_bytes * due.low_share as decimal(28, 4))
                then 'lost_volume'
            when due.counted_seconds < 3600 then 'no_counters'
            when
                cast(due.recorded_bytes as decimal(28, 4))
                > cast(due.counted_bytes * due.high_share as decimal(28, 4))
                then 'inflated_volume'
            else 'within'
        end as verdict
    from due

),

compared as (

    select
        view_id,
        pass_id,
        bill_run_id,
        source_id,
        legal_entity_id,
        counter_band_id,
        node,
        service,
        concat_ws(
            '/', verdict, counter_band_id, node, service, substr(cast(hour_at as string), 1, 16)
        ) as comparison_id,
        verdict,
        is_counted,
        is_recorded,
        counted_seconds,
        counted_bytes,
        recorded_bytes,
        low_share,
        high_share,
        hour_at,
        local_hour,
        period_start,
        period_end
    from judged

)

select * from compared
