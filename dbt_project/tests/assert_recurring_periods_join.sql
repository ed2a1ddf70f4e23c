-- A charge's periods of one subscription and plan neither overlap nor leave a gap, across runs.
with

charged as (

    select
        subscription_id,
        plan_id,
        charge_code,
        period_start,
        period_end,
        lag(period_end) over (
            partition by subscription_id, plan_id, charge_code
            order by period_start, period_end
        ) as previous_end
    from {{ ref('fct_charges') }}
    where charge_type = 'recurring' and amount > 0

)

select charged.*
from charged
inner join {{ ref('int_subscription_plans__effective') }} as stays
    on
        charged.subscription_id = stays.subscription_id
        and charged.plan_id = stays.plan_id
        and charged.period_start > stays.effective_from
        and charged.period_start < stays.effective_to
where charged.previous_end <> charged.period_start
