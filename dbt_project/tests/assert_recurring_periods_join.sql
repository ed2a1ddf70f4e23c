{{ config(meta={'dagster': {'ref': {'name': 'int_charges__combined'}}}) }}

-- A charge's periods of one subscription and plan neither overlap nor leave a gap, across all runs,
-- before anything of the present one is issued.
with

recurring as (

    select
        subscription_id,
        plan_id,
        charge_code,
        amount,
        period_start,
        period_end
    from {{ ref('stg_issued__charges') }}
    where charge_type = 'recurring'
    union all
    select
        computed.subscription_id,
        computed.plan_id,
        computed.charge_code,
        computed.amount,
        computed.period_start,
        computed.period_end
    from {{ ref('int_charges__combined') }} as computed
    inner join {{ ref('int_passes__unissued') }} as unissued on computed.pass_id = unissued.pass_id
    where computed.charge_type = 'recurring'

),

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
    from recurring
    where amount > 0

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
