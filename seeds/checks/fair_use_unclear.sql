-- A fair use limit that no usage reaches: it counts another unit than its service does, or its plan
-- has no rates for it.
with

judged as (

    select
        fair_use_limits.csv_line,
        fair_use_limits.fair_use_limit_id,
        case
            when
                fair_use_limits.unit
                <> case fair_use_limits.service
                    when 'voice' then 'seconds'
                    when 'data' then 'bytes'
                    else 'events'
                end
                then
                    format(
                        'is in {}, but {} is counted otherwise',
                        fair_use_limits.unit, fair_use_limits.service
                    )
            when
                not exists (
                    select 1
                    from plans
                    inner join usage_rates on plans.rate_plan_id = usage_rates.rate_plan_id
                    where
                        fair_use_limits.plan_id = plans.plan_id
                        and fair_use_limits.service = usage_rates.service
                )
                then format('counts {}, which its plan has no rate for', fair_use_limits.service)
        end as reason
    from fair_use_limits

)

select
    'fair_use_limits' as seed,
    csv_line,
    format('fair_use_limit_id ''{}'' {}', fair_use_limit_id, reason) as message
from judged
where reason is not null
