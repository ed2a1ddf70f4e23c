{{ config(materialized='table') }}

with

counters as (

    select
        source_id,
        node as counted_node,
        element,
        coalesce(measured_object, '') as measured_object,
        counter,
        period_seconds,
        quantity,
        is_suspect,
        started_at,
        landing_sequence,
        record_number
    from {{ ref('stg_landing__counters') }}

),

volume_counters as (

    select
        source_id,
        counted_node,
        measured_object,
        counter,
        service,
        node,
        case unit
            when 'bits' then 1
            when 'kilobits' then 1000
            when 'kibibits' then 1024
            when 'megabits' then 1000000
            when 'mebibits' then 1048576
            when 'bytes' then 8
            when 'kilobytes' then 8000
            when 'kibibytes' then 8192
            when 'megabytes' then 8000000
            when 'mebibytes' then 8388608
        end as bits,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('volume_counters') }}

),

-- The row that names most of the node and the object counts; a counter without a row is no volume.
named as (

    select
        counters.*,
        volume_counters.service,
        case
            when volume_counters.node = '*' then counters.counted_node else volume_counters.node
        end as node,
        volume_counters.bits
    from counters
    inner join volume_counters
        on
            counters.counter = volume_counters.counter
            and volume_counters.source_id in (counters.source_id, '*')
            and {{ fits('counters.counted_node', 'volume_counters.counted_node') }}
            and {{ fits('counters.measured_object', 'volume_counters.measured_object') }}
            and cast(counters.started_at as date) >= volume_counters.valid_from
            and cast(counters.started_at as date) < volume_counters.valid_to
    qualify
        row_number() over (
            partition by counters.landing_sequence, counters.record_number
            order by
                length(volume_counters.counted_node) desc,
                length(volume_counters.measured_object) desc,
                case when volume_counters.source_id = '*' then 1 else 0 end asc,
                volume_counters.counted_node asc,
                volume_counters.measured_object asc
        ) = 1

),

-- What the element suspects, did not measure or wrote as no volume is not counted.
measured as (

    select
        named.*,
        case
            when not named.is_suspect and named.quantity >= 0
                then
                    {{ integer_divide(
                        'try_cast(floor(named.quantity * named.bits) as bigint)', 8
                    ) }}
        end as volume_bytes,
        date_trunc('hour', named.started_at) as first_hour_at,
        {{ seconds_between("date_trunc('hour', named.started_at)", 'named.started_at') }}
            as seconds_before
    from named

),

-- D-231: a period that goes over the hour is shared by time, like usage. The longest is a week.
parts as (

    select
        measured.*,
        {{ add_seconds('measured.first_hour_at', '(hours.number - 1) * 3600') }} as hour_at,
        greatest((hours.number - 1) * 3600 - measured.seconds_before, 0) as seconds_since,
        least(hours.number * 3600 - measured.seconds_before, measured.period_seconds)
            as seconds_until
    from measured
    inner join {{ numbers(169) }} as hours
        on
            {{ integer_divide('measured.seconds_before + measured.period_seconds - 1', 3600) }} + 1
            >= hours.number

),

converted as (

    select
        landing_sequence,
        record_number,
        node,
        service,
        element,
        measured_object,
        counter,
        started_at,
        cast(period_seconds as bigint) as period_seconds,
        hour_at,
        cast(
            case when volume_bytes is null then 0 else seconds_until - seconds_since end as bigint
        ) as counted_seconds,
        cast(
            coalesce(
                {{ shared_until('volume_bytes', 'seconds_until', 'period_seconds') }}
                - {{ shared_until('volume_bytes', 'seconds_since', 'period_seconds') }},
                0
            ) as bigint
        ) as volume_bytes
    from parts

)

select * from converted
