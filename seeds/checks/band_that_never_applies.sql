-- A band whose hours or days cannot be read, or that ends before it starts.
with

listed as (

    select
        csv_line,
        unnest(['weekdays', 'months', 'month_days', 'years']) as column_name,
        unnest([weekdays, months, month_days, years]) as day_list,
        unnest(['[1-7]', '([1-9]|1[0-2])', '([1-9]|[12][0-9]|3[01])', '[0-9]{4}']) as pattern
    from time_bands

)

select
    'time_bands' as seed,
    csv_line,
    format('{} ''{}'' is not * or a list like 1 2 3', column_name, day_list) as message
from listed
where day_list <> '*' and not regexp_full_match(day_list, pattern || '( ' || pattern || ')*')
union all
select
    'time_bands' as seed,
    csv_line,
    format('''{}'' is not a time like 07:00 or 07:00:30, up to 24:00', moment) as message
from (
    select
        csv_line,
        unnest([start_time, end_time]) as moment
    from time_bands
) as moments
where not regexp_full_match(moment, '(([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?|24:00(:00)?)')
union all
select
    'time_bands' as seed,
    csv_line,
    format('end_time {} is not after start_time {}', end_time, start_time) as message
from time_bands
where end_time <= start_time
