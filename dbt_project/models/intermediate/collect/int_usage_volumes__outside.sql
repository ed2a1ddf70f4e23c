with

streams as (

    select
        view_id,
        expected_file_id,
        source_id,
        node,
        time_zone,
        interval_minutes,
        landing_watermark,
        first_file_date,
        period_start,
        expected_before
    from {{ ref('int_usage_streams__viewed') }}
    where first_file_date is not null

),

bands as (

    select
        source_id,
        node,
        measure,
        span,
        history_weeks,
        minimum_weeks,
        low_share,
        high_share,
        deviations,
        minimum_quantity,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('volume_bands') }}

),

-- A file says by its name which day it is of: its manifest row is enough, no event is read.
delivered as (

    select
        streams.view_id,
        streams.expected_file_id,
        streams.node,
        files.file_date as on_date,
        sum(files.records_read_count) as record_count,
        sum(files.duration_seconds) as duration_seconds,
        sum(files.volume_bytes) as volume_bytes
    from streams
    inner join {{ ref('int_usage_files__streamed') }} as files
        on
            streams.expected_file_id = files.expected_file_id
            and streams.node = files.node
            and streams.landing_watermark >= files.landing_sequence
    where files.file_content in ('usage', 'no_usage')
    group by streams.view_id, streams.expected_file_id, streams.node, files.file_date

),

-- Where no calendar says that a file is missing, a day without any is a day of nothing.
silent as (

    select
        streams.view_id,
        streams.expected_file_id,
        streams.node,
        {{ add_days('streams.first_file_date', 'days.number') }} as on_date
    from streams
    inner join {{ numbers(4000) }} as days
        on {{ days_between('streams.first_file_date', 'cast(streams.expected_before as date)') }}
            > days.number
    left join delivered
        on
            streams.view_id = delivered.view_id
            and streams.expected_file_id = delivered.expected_file_id
            and streams.node = delivered.node
            and {{ add_days('streams.first_file_date', 'days.number') }} = delivered.on_date
    where streams.interval_minutes is null and delivered.view_id is null

),

days as (

    select
        view_id,
        expected_file_id,
        node,
        on_date,
        record_count,
        duration_seconds,
        volume_bytes
    from delivered
    union all
    select
        view_id,
        expected_file_id,
        node,
        on_date,
        0 as record_count,
        0 as duration_seconds,
        0 as volume_bytes
    from silent

),

-- Hours are looked at where a band asks for it. One without usage in a day that came is nothing.
hourly_streams as (

    select distinct
        streams.view_id,
        streams.expected_file_id,
        streams.node,
        streams.time_zone,
        streams.landing_watermark
    from streams
    inner join bands
        on
            bands.span = 'hour'
            and bands.source_id in (streams.source_id, '*')
            and bands.node in (streams.node, '*')

),

recorded as (

    select
        hourly_streams.view_id,
        hourly_streams.expected_file_id,
        hourly_streams.node,
        {{ to_local_time('recorded_hours.hour_at', 'hourly_streams.time_zone') }} as starts_at,
        recorded_hours.record_count,
        recorded_hours.duration_seconds,
        recorded_hours.volume_bytes
    from hourly_streams
    inner join {{ ref('int_usage_files__streamed') }} as files
        on
            hourly_streams.expected_file_id = files.expected_file_id
            and hourly_streams.node = files.node
            and hourly_streams.landing_watermark >= files.landing_sequence
    inner join {{ ref('int_node_hours__recorded') }} as recorded_hours
        on files.landing_sequence = recorded_hours.landing_sequence

),

hours as (

    select
        hourly_streams.view_id,
        hourly_streams.expected_file_id,
        hourly_streams.node,
        {{ add_seconds('cast(days.on_date as timestamp)', '(clock.number - 1) * 3600') }}
            as starts_at,
        0 as record_count,
        0 as duration_seconds,
        0 as volume_bytes
    from hourly_streams
    inner join days
        on
            hourly_streams.view_id = days.view_id
            and hourly_streams.expected_file_id = days.expected_file_id
            and hourly_streams.node = days.node
    cross join {{ numbers(24) }} as clock
    union all
    select
        view_id,
        expected_file_id,
        node,
        date_trunc('hour', starts_at) as starts_at,
        record_count,
        duration_seconds,
        volume_bytes
    from recorded

),

spans as (

    select
        view_id,
        expected_file_id,
        node,
        'day' as span,
        cast(on_date as timestamp) as starts_at,
        record_count,
        duration_seconds,
        volume_bytes
    from days
    union all
    select
        view_id,
        expected_file_id,
        node,
        'hour' as span,
        starts_at,
        sum(record_count) as record_count,
        sum(duration_seconds) as duration_seconds,
        sum(volume_bytes) as volume_bytes
    from hours
    group by view_id, expected_file_id, node, starts_at

),

measures as (

    select 'records' as measure
    union all
    select 'seconds' as measure
    union all
    select 'bytes' as measure

),

measured as (

    select
        spans.view_id,
        spans.expected_file_id,
        spans.node,
        spans.span,
        spans.starts_at,
        cast(spans.starts_at as date) as on_date,
        -- What repeats every week: the weekday, and the hour in it.
        concat(
            cast({{ iso_weekday('cast(spans.starts_at as date)') }} as string),
            substr(cast(spans.starts_at as string), 11, 3)
        ) as week_clock,
        measures.measure,
        cast(
            case measures.measure
                when 'records' then spans.record_count
                when 'seconds' then spans.duration_seconds
                else spans.volume_bytes
            end as bigint
        ) as quantity
    from spans
    cross join measures

),

-- The band of the node comes before that of the source, and that before the one for all.
judged as (

    select
        measured.view_id,
        measured.expected_file_id,
        measured.node,
        measured.span,
        measured.starts_at,
        measured.on_date,
        measured.week_clock,
        measured.measure,
        measured.quantity,
        bands.history_weeks,
        bands.minimum_weeks,
        bands.low_share,
        bands.high_share,
        bands.deviations,
        bands.minimum_quantity
    from measured
    inner join streams
        on
            measured.view_id = streams.view_id
            and measured.expected_file_id = streams.expected_file_id
            and measured.node = streams.node
            and (streams.period_start is null or measured.on_date >= streams.period_start)
            and cast(streams.expected_before as date) > measured.on_date
    inner join bands
        on
            measured.measure = bands.measure
            and measured.span = bands.span
            and bands.source_id in (streams.source_id, '*')
            and bands.node in (measured.node, '*')
            and measured.on_date >= bands.valid_from
            and measured.on_date < bands.valid_to
    qualify
        row_number() over (
            partition by
                measured.view_id,
                measured.expected_file_id,
                measured.node,
                measured.span,
                measured.starts_at,
                measured.measure
            order by
                case when bands.node = '*' then 1 else 0 end,
                case when bands.source_id = '*' then 1 else 0 end
        ) = 1

),

-- D-158: the same weekday, and hour, of the weeks before.
history as (

    select
        judged.view_id,
        judged.expected_file_id,
        judged.node,
        judged.span,
        judged.starts_at,
        judged.measure,
        judged.minimum_weeks,
        past.quantity
    from judged
    inner join measured as past
        on
            judged.view_id = past.view_id
            and judged.expected_file_id = past.expected_file_id
            and judged.node = past.node
            and judged.span = past.span
            and judged.measure = past.measure
            and judged.week_clock = past.week_clock
            and judged.on_date > past.on_date
            and {{ days_between('past.on_date', 'judged.on_date') }} <= 7 * judged.history_weeks

),

-- By their median: one odd week moves nothing.
usual as (

    select
        view_id,
        expected_file_id,
        node,
        span,
        starts_at,
        measure,
        count(*) as week_count,
        {{ lower_median('quantity') }} as usual_quantity
    from history
    group by view_id, expected_file_id, node, span, starts_at, measure, minimum_weeks
    having count(*) >= minimum_weeks

),

-- D-233: how far weeks usually lie from it, by the median again.
spread as (

    select
        usual.view_id,
        usual.expected_file_id,
        usual.node,
        usual.span,
        usual.starts_at,
        usual.measure,
        usual.week_count,
        usual.usual_quantity,
        {{ lower_median('abs(history.quantity - usual.usual_quantity)') }} as usual_deviation
    from usual
    inner join history
        on
            usual.view_id = history.view_id
            and usual.expected_file_id = history.expected_file_id
            and usual.node = history.node
            and usual.span = history.span
            and usual.starts_at = history.starts_at
            and usual.measure = history.measure
    group by
        usual.view_id,
        usual.expected_file_id,
        usual.node,
        usual.span,
        usual.starts_at,
        usual.measure,
        usual.week_count,
        usual.usual_quantity

),

compared as (

    select
        judged.view_id,
        judged.expected_file_id,
        judged.node,
        judged.span,
        judged.starts_at,
        judged.on_date,
        judged.measure,
        judged.quantity,
        spread.usual_quantity,
        spread.week_count,
        case
            when
                cast(judged.quantity as decimal(28, 4))
                < cast(spread.usual_quantity * judged.low_share as decimal(28, 4))
                then 'quiet'
            when
                cast(judged.quantity as decimal(28, 4))
                > cast(spread.usual_quantity * judged.high_share as decimal(28, 4))
                then 'loud'
        end as finding
    from judged
    inner join spread
        on
            judged.view_id = spread.view_id
            and judged.expected_file_id = spread.expected_file_id
            and judged.node = spread.node
            and judged.span = spread.span
            and judged.starts_at = spread.starts_at
            and judged.measure = spread.measure
    where
        spread.usual_quantity >= judged.minimum_quantity
        and (
            judged.deviations is null
            or cast(abs(judged.quantity - spread.usual_quantity) as decimal(28, 4))
            > cast(spread.usual_deviation * judged.deviations as decimal(28, 4))
        )

),

-- A day that is outside speaks for its hours.
outside as (

    select
        compared.view_id,
        compared.expected_file_id,
        compared.node,
        compared.span,
        compared.starts_at,
        compared.on_date,
        compared.measure,
        compared.quantity,
        compared.usual_quantity,
        compared.week_count,
        compared.finding
    from compared
    left join compared as of_day
        on
            compared.span = 'hour'
            and of_day.span = 'day'
            and compared.view_id = of_day.view_id
            and compared.expected_file_id = of_day.expected_file_id
            and compared.node = of_day.node
            and compared.measure = of_day.measure
            and compared.on_date = of_day.on_date
            and compared.finding = of_day.finding
    where compared.finding is not null and of_day.view_id is null

)

select * from outside
