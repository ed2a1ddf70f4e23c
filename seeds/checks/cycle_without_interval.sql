-- A bill cycle is every so many months on a day of the month, or every so many weeks on a weekday.
with

judged as (

    select
        csv_line,
        bill_cycle_id,
        case
            when (interval_months is null) = (interval_weeks is null)
                then 'has one interval: interval_months or interval_weeks'
            when interval_months > 60 or interval_weeks > 260 then 'is at most five years long'
            when interval_weeks is not null and anchor_day > 7
                then 'counts weeks: anchor_day is a weekday, 1 (Monday) to 7'
            when anchor_day > 31 then 'has an anchor_day of 1 to 31'
            when anchor_month > 12 then 'has an anchor_month of 1 to 12'
            when anchor_month is not null and interval_weeks is not null
                then 'counts weeks, which have no anchor_month'
        end as problem
    from bill_cycles

)

select
    'bill_cycles' as seed,
    csv_line,
    format('bill_cycle_id ''{}'': a cycle {}', bill_cycle_id, problem) as message
from judged
where problem is not null
