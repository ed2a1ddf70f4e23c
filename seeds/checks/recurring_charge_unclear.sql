-- When and for how long a recurring charge is due must be one of the ways that billing knows.
with

judged as (

    select
        csv_line,
        recurring_charge_id,
        case
            when billing_timing not in ('advance', 'arrears')
                then 'billing_timing is advance or arrears'
            when proration not in ('days', 'days_inclusive', 'fixed_30', 'seconds', 'none')
                then 'proration is days, days_inclusive, fixed_30, seconds or none'
            when alignment not in ('cycle', 'cycle_day', 'renewal')
                then 'alignment is cycle, cycle_day or renewal'
            when interval_months is not null and interval_weeks is not null
                then 'one interval: interval_months or interval_weeks'
            when interval_months > 60 or interval_weeks > 260
                then 'an interval is at most five years'
            when
                coalesce(alignment, 'cycle') <> 'cycle'
                and interval_months is null and interval_weeks is null
                then 'its own alignment needs interval_months or interval_weeks'
        end as problem
    from recurring_charges

)

select
    'recurring_charges' as seed,
    csv_line,
    format('recurring_charge_id ''{}'': {}', recurring_charge_id, problem) as message
from judged
where problem is not null
