-- From here on chance differs from month to month; who is who, above, does not.
set variable seed = hash(getvariable('seed'), getvariable('month'));

-- Exactly the table's calls and seconds per subscriber and band, set by set.
-- A follow-up month scales them: it has no oracle.
create table voice_totals as
with scaled as (
    select
        subscribers.n,
        base_bands.band,
        case
            when getvariable('is_follow_up')
                then base_bands.units * (85 + pick(31, 'scale', subscribers.n, 0)) // 100
            else base_bands.units
        end as units,
        base_bands.call_count,
        subscribers.usage_from_date,
        subscribers.usage_to_date,
    from subscribers
    join base_bands
        on subscribers.base_row = base_bands.base_row
    where subscribers.is_active and not subscribers.is_silent and base_bands.call_count > 0
)

select
    scaled.n,
    scaled.band,
    scaled.units,
    scaled.call_count,
    min(window_lines.line_from) as line_from,
    max(window_lines.line_to) as line_to,
from scaled
join window_lines
    on
        scaled.band = window_lines.band
        and window_lines.local_date >= scaled.usage_from_date
        and window_lines.local_date < scaled.usage_to_date
group by all;

-- Every call one unit of 6 s as far as the units go, the rest shared out by a skewed weight:
-- cumulative shares rounded down add up to the total exactly, in whole numbers.
create table voice_durations as
with calls as (
    select
        n,
        band,
        units,
        call_count,
        line_from,
        line_to,
        unnest(range(call_count)) as call_number,
    from voice_totals
),

weighted as (
    select
        *,
        greatest(units - call_count, 0) as spare_units,
        (1 + pick(1000, 'length', n * 1000 + call_number, band))
        * (1 + pick(1000, 'more length', n * 1000 + call_number, band)) as weight,
    from calls
),

shared as (
    select
        *,
        cast(sum(weight) over (partition by n, band order by call_number) as bigint)
            as weight_to,
        cast(sum(weight) over (partition by n, band) as bigint) as weight_total,
    from weighted
)

select
    n,
    band,
    call_number,
    6 * (
        if((call_number + pick(call_count, 'surplus', n, band)) % call_count < units, 1, 0)
        + spare_units * weight_to // weight_total
        - spare_units * (weight_to - weight) // weight_total
    ) as duration_seconds,
    line_from
    + (line_to - line_from) * (call_number * 1000 + pick(1000, 'place', n * 1000 + call_number, band))
    // (call_count * 1000) as line_point,
from shared;

-- A call gets the window its point on the line falls into. One longer than half an hour does not
-- fit the two hours before midnight: it goes to the morning of the same day.
create table voice_windowed as
select
    voice_durations.n,
    voice_durations.band,
    voice_durations.call_number,
    voice_durations.duration_seconds,
    window_lines.window_id
    - if(window_lines.window_id % 4 = 3 and voice_durations.duration_seconds > 1800, 3, 0)
        as window_id,
from voice_durations
asof join window_lines
    on
        voice_durations.band = window_lines.band
        and voice_durations.line_point >= window_lines.line_from;

-- Inside a window the subscriber's calls follow each other: free time is cut at sorted random
-- points, so that no two overlap and none runs over the end.
create table voice_calls as
with placed as (
    select
        *,
        draw('point', n * 1000 + call_number, band) as tie,
        tie % 1000000 as point,
        sum(duration_seconds) over (partition by n, window_id) as busy_seconds,
        sum(duration_seconds) over (
            partition by n, window_id
            order by tie % 1000000, tie
            rows between unbounded preceding and 1 preceding
        ) as seconds_before,
    from voice_windowed
)

select
    placed.n,
    placed.band,
    placed.call_number,
    placed.duration_seconds,
    placed.tie,
    windows.start_epoch
    + cast(coalesce(placed.seconds_before, 0) as bigint)
    + cast(windows.end_epoch - windows.start_epoch - placed.busy_seconds as bigint)
    -- after midnight calls get fewer by the hour
    * if(windows.cut = 0, placed.point * (placed.point + 1000000) // 2000000, placed.point) // 1000000
        as start_epoch,
    windows.end_epoch,
    windows.start_epoch as window_start_epoch,
from placed
join windows
    on placed.window_id = windows.window_id;

drop table voice_durations;

drop table voice_windowed;
