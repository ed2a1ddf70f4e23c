with

plans as (

    select * from {{ ref('plans') }}

),

fees as (

    select
        plan_id,
        currency_code,
        amount,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('recurring_charges') }}

),

-- One row per validity of the plan, with the fee in force when it began.
priced as (

    select
        plans.plan_id,
        plans.plan_name,
        plans.plan_type,
        plans.rate_plan_id,
        plans.includes_roaming,
        max(fees.currency_code) as currency_code,
        cast(sum(fees.amount) as decimal(18, 6)) as recurring_amount,
        plans.valid_from,
        plans.valid_to
    from plans
    left join fees
        on
            plans.plan_id = fees.plan_id
            and fees.valid_from <= plans.valid_from
            and fees.valid_to > plans.valid_from
    group by
        plans.plan_id,
        plans.plan_name,
        plans.plan_type,
        plans.rate_plan_id,
        plans.includes_roaming,
        plans.valid_from,
        plans.valid_to

)

select
    plan_id,
    plan_name,
    plan_type,
    rate_plan_id,
    includes_roaming,
    currency_code,
    recurring_amount,
    valid_from,
    valid_to
from priced
