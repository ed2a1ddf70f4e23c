-- A recurring charge follows the bill cycle or one interval of its own.
with

judged as (

    select
        csv_line,
        recurring_charge_id,
        case
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
