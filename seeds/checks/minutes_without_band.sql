-- A stretch of a weekday that no band of a set covers: usage that starts in it has no price.
with

changes as (

    select
        time_band_set_id,
        valid_from as on_date
    from time_bands
    union distinct
    select
        time_band_set_id,
        valid_to as on_date
    from time_bands
    where valid_to is not null

),

weekdays as (

    select unnest(range(1, 8)) as iso_weekday

),

days as (

    select
        changes.time_band_set_id,
        changes.on_date,
        weekdays.iso_weekday
    from changes
    cross join weekdays

),

-- Bounds as minutes of the day; what is no time is told by the type.
bands as (

    select
        time_band_set_id,
        csv_line,
        first_weekday,
        last_weekday,
        valid_from,
        open_end(valid_to) as valid_to,
        try_cast(split_part(start_time, ':', 1) as integer) * 60
        + try_cast(split_part(start_time, ':', 2) as integer) as starts_at,
        try_cast(split_part(end_time, ':', 1) as integer) * 60
        + try_cast(split_part(end_time, ':', 2) as integer) as ends_at
    from time_bands

),

ordered as (

    select
        days.time_band_set_id,
        days.on_date,
        days.iso_weekday,
        bands.csv_line,
        bands.starts_at,
        max(bands.ends_at) over (
            partition by days.time_band_set_id, days.on_date, days.iso_weekday
            order by bands.starts_at, bands.ends_at
            rows between unbounded preceding and current row
        ) as covered_to,
        lead(bands.starts_at, 1, 1440) over (
            partition by days.time_band_set_id, days.on_date, days.iso_weekday
            order by bands.starts_at, bands.ends_at
        ) as next_starts_at,
        row_number() over (
            partition by days.time_band_set_id, days.on_date, days.iso_weekday
            order by bands.starts_at, bands.ends_at
        ) as band_number
    from days
    inner join bands
        on
            days.time_band_set_id = bands.time_band_set_id
            and days.on_date >= bands.valid_from
            and days.on_date < bands.valid_to
            and days.iso_weekday between bands.first_weekday and bands.last_weekday

),

gaps as (

    select
        time_band_set_id,
        on_date,
        iso_weekday,
        csv_line,
        covered_to as gap_from,
        next_starts_at as gap_to
    from ordered
    where next_starts_at > covered_to
    union all
    select
        time_band_set_id,
        on_date,
        iso_weekday,
        csv_line,
        0 as gap_from,
        starts_at as gap_to
    from ordered
    where band_number = 1 and starts_at > 0
    union all
    select
        days.time_band_set_id,
        days.on_date,
        days.iso_weekday,
        min(bands.csv_line) as csv_line,
        0 as gap_from,
        1440 as gap_to
    from days
    inner join bands on days.time_band_set_id = bands.time_band_set_id
    left join ordered
        on
            days.time_band_set_id = ordered.time_band_set_id
            and days.on_date = ordered.on_date
            and days.iso_weekday = ordered.iso_weekday
    where ordered.csv_line is null
    group by days.time_band_set_id, days.on_date, days.iso_weekday

)

select
    'time_bands' as seed,
    csv_line,
    format(
        'time_band_set_id ''{}'' has no band from {:02d}:{:02d} to {:02d}:{:02d} on weekdays {} '
        'from {}',
        time_band_set_id, gap_from // 60, gap_from % 60, gap_to // 60, gap_to % 60,
        string_agg(cast(iso_weekday as varchar), ', ' order by iso_weekday), on_date
    ) as message
from gaps
group by time_band_set_id, csv_line, gap_from, gap_to, on_date
