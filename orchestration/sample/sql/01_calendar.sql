-- The month cut into windows that no call leaves: at midnight, 07:00, 17:00 and 22:00 local time.
create table windows as
with days as (
    select cast(day as date) as local_date
    from range(
        cast(getvariable('month') as timestamp),
        cast(getvariable('month') as timestamp) + interval 1 month,
        interval 1 day
    ) as series (day)
),

cuts as (
    select *
    from (values
        (0, 'night', 0, 7, 2, 3),
        (1, 'day', 7, 17, 10, 10),
        (2, 'evening', 17, 22, 10, 8),
        (3, 'night', 22, 24, 5, 2)
    ) as cuts (cut, band, from_hour, to_hour, band_weight, international_weight)
)

select
    cast(day(local_date) * 4 + cut as integer) as window_id,
    local_date,
    cut,
    band,
    -- people call less at weekends
    if(isodow(local_date) > 5, 6, 10) * band_weight * 1000 as band_weight,
    if(isodow(local_date) > 5, 6, 10) * international_weight * 1000 as international_weight,
    local_epoch(local_date + to_hours(from_hour)) as start_epoch,
    local_epoch(local_date + to_hours(to_hour)) as end_epoch,
from days
cross join cuts
order by window_id;

-- Per band the windows on a line, each as long as its weight: a point on the line is a window.
create table window_lines as
with weights as (
    select window_id, local_date, band, band_weight as weight from windows
    union all
    select window_id, local_date, 'international', international_weight from windows
)

select
    band,
    window_id,
    local_date,
    cast(sum(weight) over line - weight as bigint) as line_from,
    cast(sum(weight) over line as bigint) as line_to,
from weights
window line as (partition by band order by window_id)
order by band, line_from;
