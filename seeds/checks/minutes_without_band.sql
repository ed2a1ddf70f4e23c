-- A stretch of a day that no band of a set covers: usage that starts in it has no price. Looked at
-- for a year from each day on which a band begins or ends, since bands may go by month or holiday.
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

days as (

    select
        time_band_set_id,
        on_date as from_date,
        cast(unnest(generate_series(on_date, on_date + 365, interval 1 day)) as date) as on_date
    from changes
    where on_date < date '2900-01-01'

),

-- Bounds as seconds of the day; what is no time is told by another rule.
bands as (

    select
        time_band_set_id,
        csv_line,
        weekdays,
        months,
        month_days,
        years,
        holiday_calendar_id,
        valid_from,
        open_end(valid_to) as valid_to,
        try_cast(split_part(start_time, ':', 1) as integer) * 3600
        + try_cast(split_part(start_time, ':', 2) as integer) * 60
        + coalesce(try_cast(nullif(split_part(start_time, ':', 3), '') as integer), 0)
            as starts_at,
        try_cast(split_part(end_time, ':', 1) as integer) * 3600
        + try_cast(split_part(end_time, ':', 2) as integer) * 60
        + coalesce(try_cast(nullif(split_part(end_time, ':', 3), '') as integer), 0)
        + case when end_inclusive then 1 else 0 end as ends_at
    from time_bands

),

in_force as (

    select
        days.time_band_set_id,
        days.from_date,
        days.on_date,
        bands.csv_line,
        bands.starts_at,
        bands.ends_at
    from days
    inner join bands
        on
            days.time_band_set_id = bands.time_band_set_id
            and days.on_date >= bands.valid_from
            and days.on_date < bands.valid_to
            and (
                bands.weekdays = '*'
                or list_contains(
                    string_split(bands.weekdays, ' '), cast(isodow(days.on_date) as varchar)
                )
            )
            and (
                bands.months = '*'
                or list_contains(
                    string_split(bands.months, ' '), cast(month(days.on_date) as varchar)
                )
            )
            and (
                bands.month_days = '*'
                or list_contains(
                    string_split(bands.month_days, ' '), cast(day(days.on_date) as varchar)
                )
            )
            and (
                bands.years = '*'
                or list_contains(
                    string_split(bands.years, ' '), cast(year(days.on_date) as varchar)
                )
            )
    where
        bands.holiday_calendar_id is null
        or exists (
            select 1
            from holidays
            where
                bands.holiday_calendar_id = holidays.holiday_calendar_id
                and days.on_date = holidays.holiday_date
        )

),

-- Each day begins with nothing and ends at midnight.
bounded as (

    select
        time_band_set_id,
        from_date,
        on_date,
        starts_at,
        ends_at
    from in_force
    union all
    select
        time_band_set_id,
        from_date,
        on_date,
        0 as starts_at,
        0 as ends_at
    from days
    union all
    select
        time_band_set_id,
        from_date,
        on_date,
        86400 as starts_at,
        86400 as ends_at
    from days

),

ordered as (

    select
        time_band_set_id,
        from_date,
        on_date,
        max(ends_at) over same_day as gap_from,
        lead(starts_at) over (
            partition by time_band_set_id, from_date, on_date
            order by starts_at, ends_at
        ) as gap_to
    from bounded
    window same_day as (
        partition by time_band_set_id, from_date, on_date
        order by starts_at, ends_at
        rows between unbounded preceding and current row
    )

),

gaps as (

    select
        time_band_set_id,
        from_date,
        gap_from,
        gap_to,
        count(*) as day_count,
        min(on_date) as first_date
    from ordered
    where gap_to > gap_from
    group by time_band_set_id, from_date, gap_from, gap_to

)

select
    'time_bands' as seed,
    min(bands.csv_line) as csv_line,
    format(
        'time_band_set_id ''{}'' has no band from {:02d}:{:02d}:{:02d} to {:02d}:{:02d}:{:02d} '
        'on {} of 366 days, the first {}',
        gaps.time_band_set_id,
        gaps.gap_from // 3600, gaps.gap_from // 60 % 60, gaps.gap_from % 60,
        gaps.gap_to // 3600, gaps.gap_to // 60 % 60, gaps.gap_to % 60,
        gaps.day_count, gaps.first_date
    ) as message
from gaps
inner join bands on gaps.time_band_set_id = bands.time_band_set_id
group by
    gaps.time_band_set_id, gaps.from_date, gaps.gap_from, gaps.gap_to, gaps.day_count,
    gaps.first_date
