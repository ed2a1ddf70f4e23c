with

segments as (

    select * from {{ ref('int_usage__fates') }}

),

-- Segments of one event that were rated by the band are summed to the event; what they share is
-- taken from the first. Most events have one segment, so these are taken as they are.
cut as (

    select distinct event_id
    from segments
    where segment_number > 1

),

whole as (

    select segments.*
    from segments
    left join cut on segments.event_id = cut.event_id
    where cut.event_id is null

),

summed as (

    select
        segments.event_id,
        min(segments.pass_id) as pass_id,
        min(segments.usage_status) as usage_status,
        min(segments.file_id) as file_id,
        min(segments.record_number) as record_number,
        min(segments.subscription_id) as subscription_id,
        min(segments.billing_account_id) as billing_account_id,
        min(segments.plan_id) as plan_id,
        min(segments.service) as service,
        min(segments.direction) as direction,
        min(segments.identifier) as identifier,
        min(segments.other_number) as other_number,
        min(segments.serving_network) as serving_network,
        min(segments.rating_group) as rating_group,
        min(segments.country_code) as country_code,
        min(segments.zone_id) as zone_id,
        min_by(segments.time_band_id, segments.segment_number) as time_band_id,
        min_by(segments.charge_code, segments.segment_number) as charge_code,
        min_by(segments.usage_rate_id, segments.segment_number) as usage_rate_id,
        min(segments.currency_code) as currency_code,
        min(segments.duration_seconds) as duration_seconds,
        min(segments.volume_bytes) as volume_bytes,
        count(*) as segment_count,
        sum(segments.measured_units) as measured_units,
        sum(segments.units) as units,
        sum(segments.free_units) as free_units,
        sum(segments.charged_units) as charged_units,
        sum(segments.list_amount) as list_amount,
        sum(segments.rated_amount) as rated_amount,
        min(segments.started_at) as started_at,
        min(segments.started_local) as started_local,
        min(segments.usage_period_start) as usage_period_start
    from segments
    inner join cut on segments.event_id = cut.event_id
    group by segments.event_id

),

events as (

    select
        event_id,
        pass_id,
        usage_status,
        file_id,
        record_number,
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
        time_band_id,
        charge_code,
        usage_rate_id,
        currency_code,
        duration_seconds,
        volume_bytes,
        1 as segment_count,
        measured_units,
        units,
        free_units,
        charged_units,
        list_amount,
        rated_amount,
        started_at,
        started_local,
        usage_period_start
    from whole
    union all
    select * from summed

)

select
    event_id,
    file_id,
    record_number,
    pass_id,
    usage_status,
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
    time_band_id,
    charge_code,
    usage_rate_id,
    currency_code,
    duration_seconds,
    volume_bytes,
    cast(segment_count as bigint) as segment_count,
    cast(measured_units as bigint) as measured_units,
    cast(units as bigint) as units,
    cast(free_units as bigint) as free_units,
    cast(charged_units as bigint) as charged_units,
    cast(list_amount as decimal(18, 6)) as list_amount,
    cast(rated_amount as decimal(18, 6)) as rated_amount,
    started_at,
    started_local,
    usage_period_start
from events
