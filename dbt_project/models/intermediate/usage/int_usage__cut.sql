{{ config(materialized='table') }}

with recursive

events as (

    select
        event_id,
        rate_plan_id,
        time_band_set_id,
        clock_id,
        service,
        priced_rating_group,
        zone_id,
        time_band_id,
        abs(measured_units) as measured_units,
        {{ sign_of('measured_units') }} as unit_sign,
        is_first_segment,
        started_at,
        tariff_date,
        {{ add_seconds('started_at', 'abs(duration_seconds)') }} as ended_at
    from {{ ref('int_usage__arrived') }}
    where is_cut

),

time_band_sets as (

    select
        time_band_set_id,
        crossing
    from {{ ref('time_band_sets') }}

),

time_bands as (

    select
        clock_id,
        time_band_set_id,
        time_band_id,
        on_date,
        starts_at,
        ends_at
    from {{ ref('int_time_bands__by_date') }}

),

usage_rates as (

    select * from {{ ref('int_usage_rates__by_band') }}

),

usage_rate_steps as (

    select
        usage_rate_step_id,
        usage_rate_id,
        from_units,
        increment
    from {{ ref('usage_rate_steps') }}

),

-- Each rate from its first unit to its first step, and its steps, up to the next one.
steps as (

    select
        usage_rate_id,
        cast(null as string) as usage_rate_step_id,
        cast(0 as bigint) as from_unit,
        cast(null as bigint) as step_increment
    from usage_rates
    group by usage_rate_id
    union all
    select
        usage_rate_id,
        usage_rate_step_id,
        from_units as from_unit,
        increment as step_increment
    from usage_rate_steps

),

rate_steps as (

    select
        steps.*,
        lead(steps.from_unit) over (
            partition by steps.usage_rate_id
            order by steps.from_unit
        ) as to_unit
    from steps

),

-- A call runs through the bands of the day it starts on and of the next; all else stays in the
-- band that it starts in. Units are counted from the start of the event.
banded as (

    select
        events.*,
        time_bands.time_band_id as part_band_id,
        greatest(
            cast(0 as bigint),
            {{ seconds_between('events.started_at', 'time_bands.starts_at') }}
        ) as from_unit,
        least(
            events.measured_units,
            {{ seconds_between('events.started_at', 'time_bands.ends_at') }}
        ) as to_unit
    from events
    cross join {{ numbers(2) }} as days
    left join time_band_sets on events.time_band_set_id = time_band_sets.time_band_set_id
    inner join time_bands
        on
            events.clock_id = time_bands.clock_id
            and events.time_band_set_id = time_bands.time_band_set_id
            and time_bands.on_date
            = cast({{ add_seconds(
                'cast(events.tariff_date as timestamp)', '(days.number - 1) * 86400'
            ) }} as date)
            and time_bands.starts_at < events.ended_at
            and time_bands.ends_at > events.started_at
    where events.service = 'voice' and coalesce(time_band_sets.crossing, 'split') = 'split'
    union all
    select
        events.*,
        events.time_band_id as part_band_id,
        cast(0 as bigint) as from_unit,
        events.measured_units as to_unit
    from events
    left join time_band_sets on events.time_band_set_id = time_band_sets.time_band_set_id
    where events.service <> 'voice' or time_band_sets.crossing = 'by_start'

),

rated as (

    select
        banded.*,
        usage_rates.usage_rate_id,
        usage_rates.span_increments,
        usage_rates.initial_increment,
        usage_rates.additional_increment
    from banded
    left join usage_rates
        on
            banded.rate_plan_id = usage_rates.rate_plan_id
            and banded.service = usage_rates.service
            and banded.priced_rating_group = usage_rates.rating_group
            and banded.zone_id = usage_rates.zone_id
            and banded.part_band_id = usage_rates.time_band_id
            and banded.tariff_date >= usage_rates.valid_from
            and banded.tariff_date < usage_rates.valid_to

),

-- A span has one price: it ends where a band ends or a step begins, on the clock of the event.
spans as (

    select
        rated.event_id,
        rated.part_band_id as time_band_id,
        rated.usage_rate_id,
        rate_steps.usage_rate_step_id,
        rated.measured_units,
        rated.unit_sign,
        rated.started_at,
        rated.service,
        coalesce(rated.span_increments, 'run_on') as span_increments,
        coalesce(rate_steps.step_increment, rated.initial_increment) as initial_increment,
        coalesce(rate_steps.step_increment, rated.additional_increment) as additional_increment,
        rated.is_first_segment,
        greatest(rated.from_unit, coalesce(rate_steps.from_unit, 0)) as from_unit,
        least(rated.to_unit, coalesce(rate_steps.to_unit, rated.to_unit)) as to_unit,
        row_number() over (
            partition by rated.event_id
            order by greatest(rated.from_unit, coalesce(rate_steps.from_unit, 0))
        ) as span_number
    from rated
    left join rate_steps on rated.usage_rate_id = rate_steps.usage_rate_id
    where
        greatest(rated.from_unit, coalesce(rate_steps.from_unit, 0))
        < least(rated.to_unit, coalesce(rate_steps.to_unit, rated.to_unit))

),

-- D-051: span by span, each begins where the one before has been paid for.
walked as (

    select
        spans.*,
        spans.from_unit as begins_unit,
        cast({{ round_up_units(
            'spans.to_unit - spans.from_unit', 'spans.initial_increment',
            'spans.additional_increment', 'spans.is_first_segment'
        ) }} as bigint) as units,
        cast(
            case spans.span_increments
                when 'apart' then spans.to_unit
                else coalesce(
                        spans.from_unit + {{ round_up_units(
                        'spans.to_unit - spans.from_unit', 'spans.initial_increment',
                        'spans.additional_increment', 'spans.is_first_segment'
                    ) }}, spans.to_unit
                    )
            end as bigint
        ) as paid_unit
    from spans
    where spans.span_number = 1
    union all
    select
        spans.*,
        greatest(spans.from_unit, walked.paid_unit) as begins_unit,
        cast({{ round_up_units(
            'greatest(spans.to_unit - greatest(spans.from_unit, walked.paid_unit), 0)',
            'spans.initial_increment', 'spans.additional_increment', 'false'
        ) }} as bigint) as units,
        cast(
            case spans.span_increments
                when 'apart' then greatest(spans.to_unit, walked.paid_unit)
                else coalesce(
                        greatest(spans.from_unit, walked.paid_unit) + {{ round_up_units(
                        'greatest(spans.to_unit - greatest(spans.from_unit, walked.paid_unit), 0)',
                        'spans.initial_increment', 'spans.additional_increment', 'false'
                    ) }}, spans.to_unit
                    )
            end as bigint
        ) as paid_unit
    from walked
    inner join spans
        on
            walked.event_id = spans.event_id
            and walked.span_number + 1 = spans.span_number

),

-- A span that was paid for whole before it began is no segment.
cut as (

    select
        event_id,
        time_band_id,
        usage_rate_id,
        usage_rate_step_id,
        cast(row_number() over (partition by event_id order by span_number) as integer)
            as segment_number,
        cast(count(*) over (partition by event_id) as integer) as segment_count,
        cast(unit_sign * (least(paid_unit, measured_units) - begins_unit) as bigint)
            as measured_units,
        cast(unit_sign * units as bigint) as units,
        case
            when
                measured_units
                <> sum(least(paid_unit, measured_units) - begins_unit) over (partition by event_id)
                then 'no_time_band'
            when usage_rate_id is null then 'no_rate'
        end as suspense_reason,
        case
            when service = 'voice' then {{ add_seconds('started_at', 'begins_unit') }}
            else started_at
        end as segment_started_at
    from walked
    where begins_unit < to_unit

)

select * from cut
