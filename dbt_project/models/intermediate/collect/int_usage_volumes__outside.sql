with

streams as (

    select
        view_id,
        expected_file_id,
        source_id,
        node,
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
        history_weeks,
        minimum_weeks,
        low_share,
        high_share,
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

measured as (

    select
        view_id,
        expected_file_id,
        node,
        on_date,
        'records' as measure,
        cast(record_count as bigint) as quantity
    from days
    union all
    select
        view_id,
        expected_file_id,
        node,
        on_date,
        'seconds' as measure,
        cast(duration_seconds as bigint) as quantity
    from days
    union all
    select
        view_id,
        expected_file_id,
        node,
        on_date,
        'bytes' as measure,
        cast(volume_bytes as bigint) as quantity
    from days

),

-- The band of the node comes before that of the source, and that before the one for all.
judged as (

    select
        measured.view_id,
        measured.expected_file_id,
        measured.node,
        measured.on_date,
        measured.measure,
        measured.quantity,
        bands.history_weeks,
        bands.minimum_weeks,
        bands.low_share,
        bands.high_share,
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
                measured.on_date,
                measured.measure
            order by
                case when bands.node = '*' then 1 else 0 end,
                case when bands.source_id = '*' then 1 else 0 end
        ) = 1

),

-- D-158: the same weekday of the weeks before, by their median: one odd week moves nothing.
compared as (

    select
        judged.view_id,
        judged.expected_file_id,
        judged.node,
        judged.on_date,
        judged.measure,
        judged.quantity,
        judged.low_share,
        judged.high_share,
        judged.minimum_quantity,
        count(*) as week_count,
        {{ lower_median('past.quantity') }} as usual_quantity
    from judged
    inner join measured as past
        on
            judged.view_id = past.view_id
            and judged.expected_file_id = past.expected_file_id
            and judged.node = past.node
            and judged.measure = past.measure
            and judged.on_date > past.on_date
            and {{ days_between('past.on_date', 'judged.on_date') }} <= 7 * judged.history_weeks
            and {{ days_between('past.on_date', 'judged.on_date') }} % 7 = 0
    group by
        judged.view_id,
        judged.expected_file_id,
        judged.node,
        judged.on_date,
        judged.measure,
        judged.quantity,
        judged.minimum_weeks,
        judged.low_share,
        judged.high_share,
        judged.minimum_quantity
    having count(*) >= judged.minimum_weeks

),

outside as (

    select
        view_id,
        expected_file_id,
        node,
        on_date,
        measure,
        quantity,
        usual_quantity,
        week_count,
        case
            when
                cast(quantity as decimal(28, 4))
                < cast(usual_quantity * low_share as decimal(28, 4))
                then 'quiet'
            else 'loud'
        end as finding
    from compared
    where
        usual_quantity >= minimum_quantity
        and (
            cast(quantity as decimal(28, 4)) < cast(usual_quantity * low_share as decimal(28, 4))
            or cast(quantity as decimal(28, 4))
            > cast(usual_quantity * high_share as decimal(28, 4))
        )

)

select * from outside
