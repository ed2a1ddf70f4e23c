{{ config(materialized='table') }}

with

time_bands as (

    select
        time_band_set_id,
        time_band_id,
        priority,
        weekdays,
        months,
        month_days,
        years,
        holiday_calendar_id,
        {{ seconds_of_day('start_time') }} as from_second,
        least(
            86400,
            {{ seconds_of_day('end_time') }} + case when end_inclusive then 1 else 0 end
        ) as to_second,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to,
        row_number() over (
            order by
                time_band_set_id asc, priority desc, start_time desc, time_band_id asc,
                end_time asc, weekdays asc, months asc, month_days asc, years asc,
                holiday_calendar_id asc, valid_from asc
        ) as row_rank
    from {{ ref('time_bands') }}

),

holidays as (

    select
        holiday_calendar_id,
        holiday_date
    from {{ ref('holidays') }}

),

time_band_sets as (

    select
        time_band_set_id,
        time_zone_basis
    from {{ ref('time_band_sets') }}

),

-- The days on which usage started, and two on either side: time zones and midnight.
started as (

    select distinct
        cast(started_at as date) as started_on,
        utc_offset_minutes
    from {{ ref('int_usage__measured') }}

),

calendar as (

    select distinct
        cast(
            {{ add_seconds(
                'cast(started.started_on as timestamp)', '(days.number - 3) * 86400'
            ) }} as date
        )
            as on_date
    from started
    cross join {{ numbers(5) }} as days

),

-- A set follows the clock of the operator, of the account, or of the place where it was recorded.
clocks as (

    select distinct
        'home' as time_zone_basis,
        time_zone as clock_id,
        time_zone,
        cast(0 as integer) as offset_minutes
    from {{ ref('legal_entities') }}
    union all
    select distinct
        'account' as time_zone_basis,
        time_zone as clock_id,
        time_zone,
        cast(0 as integer) as offset_minutes
    from {{ ref('int_billing_accounts__current') }}
    union all
    select distinct
        'serving' as time_zone_basis,
        cast(utc_offset_minutes as string) as clock_id,
        'UTC' as time_zone,
        cast(utc_offset_minutes as integer) as offset_minutes
    from started

),

set_clocks as (

    select
        band_sets.time_band_set_id,
        clocks.clock_id,
        clocks.time_zone,
        clocks.offset_minutes
    from (select distinct time_band_set_id from time_bands) as band_sets
    left join time_band_sets on band_sets.time_band_set_id = time_band_sets.time_band_set_id
    inner join clocks on coalesce(time_band_sets.time_zone_basis, 'home') = clocks.time_zone_basis

),

in_force as (

    select
        time_bands.time_band_set_id,
        time_bands.time_band_id,
        time_bands.row_rank,
        calendar.on_date,
        time_bands.from_second,
        time_bands.to_second
    from time_bands
    inner join calendar
        on
            time_bands.valid_from <= calendar.on_date
            and time_bands.valid_to > calendar.on_date
            and {{ is_listed('time_bands.weekdays', iso_weekday('calendar.on_date')) }}
            and {{ is_listed('time_bands.months', 'extract(month from calendar.on_date)') }}
            and {{ is_listed('time_bands.month_days', 'extract(day from calendar.on_date)') }}
            and {{ is_listed('time_bands.years', 'extract(year from calendar.on_date)') }}
    left join holidays
        on
            time_bands.holiday_calendar_id = holidays.holiday_calendar_id
            and calendar.on_date = holidays.holiday_date
    where time_bands.holiday_calendar_id is null or holidays.holiday_date is not null

),

moments as (

    select
        time_band_set_id,
        on_date,
        from_second as moment
    from in_force
    union distinct
    select
        time_band_set_id,
        on_date,
        to_second as moment
    from in_force

),

stretches as (

    select
        time_band_set_id,
        on_date,
        moment as from_second,
        lead(moment) over (partition by time_band_set_id, on_date order by moment) as to_second
    from moments

),

-- Between two moments the same rows are in force: the highest priority wins, then the latest start.
won as (

    select
        stretches.time_band_set_id,
        stretches.on_date,
        stretches.from_second,
        stretches.to_second,
        min(in_force.row_rank) as row_rank
    from stretches
    inner join in_force
        on
            stretches.time_band_set_id = in_force.time_band_set_id
            and stretches.on_date = in_force.on_date
            and stretches.from_second >= in_force.from_second
            and stretches.to_second <= in_force.to_second
    group by
        stretches.time_band_set_id, stretches.on_date, stretches.from_second, stretches.to_second

),

begun as (

    select
        won.*,
        case
            when
                lag(won.row_rank) over (
                    partition by won.time_band_set_id, won.on_date
                    order by won.from_second
                ) = won.row_rank
                and lag(won.to_second) over (
                    partition by won.time_band_set_id, won.on_date
                    order by won.from_second
                ) = won.from_second
                then 0
            else 1
        end as is_begin
    from won

),

-- What a row wins in one piece is one band: a row that it outdoes does not cut it.
numbered as (

    select
        begun.*,
        sum(begun.is_begin) over (
            partition by begun.time_band_set_id, begun.on_date
            order by begun.from_second
            rows between unbounded preceding and current row
        ) as piece_number
    from begun

),

pieces as (

    select
        numbered.time_band_set_id,
        time_bands.time_band_id,
        numbered.on_date,
        min(numbered.from_second) as from_second,
        max(numbered.to_second) as to_second
    from numbered
    inner join time_bands on numbered.row_rank = time_bands.row_rank
    group by
        numbered.time_band_set_id, time_bands.time_band_id, numbered.on_date, numbered.piece_number

),

-- In UTC, so that a clock change inside a band makes it longer or shorter.
instances as (

    select
        set_clocks.clock_id,
        pieces.time_band_set_id,
        pieces.time_band_id,
        pieces.on_date,
        pieces.from_second,
        pieces.to_second,
        {{ add_seconds(
            to_utc(
                add_seconds('cast(pieces.on_date as timestamp)', 'pieces.from_second'),
                'set_clocks.time_zone'
            ), 'set_clocks.offset_minutes * -60'
        ) }} as starts_at,
        {{ add_seconds(
            to_utc(
                add_seconds('cast(pieces.on_date as timestamp)', 'pieces.to_second'),
                'set_clocks.time_zone'
            ), 'set_clocks.offset_minutes * -60'
        ) }} as ends_at
    from pieces
    inner join set_clocks on pieces.time_band_set_id = set_clocks.time_band_set_id

),

-- A bound in the hour that is left out when clocks go forward gives way to the band after it.
bounded as (

    select
        clock_id,
        time_band_set_id,
        time_band_id,
        on_date,
        from_second,
        to_second,
        starts_at,
        least(
            ends_at,
            coalesce(
                min(starts_at) over (
                    partition by clock_id, time_band_set_id, on_date
                    order by from_second
                    rows between 1 following and unbounded following
                ), ends_at
            )
        ) as ends_at
    from instances

),

by_date as (

    select
        clock_id,
        time_band_set_id,
        time_band_id,
        on_date,
        cast({{ integer_divide('from_second', '3600') }} as integer) as first_hour,
        cast({{ integer_divide('to_second - 1', '3600') }} as integer) as last_hour,
        starts_at,
        ends_at
    from bounded
    where starts_at < ends_at

)

select * from by_date
