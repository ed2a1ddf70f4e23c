-- A plan or option that can be sold on a day on which nothing says what it costs.
-- What is free says so with an amount of 0.
with

days as (

    select
        plan_id,
        csv_line,
        valid_from as on_date
    from plans
    union distinct
    select
        plans.plan_id,
        plans.csv_line,
        recurring_charges.valid_to as on_date
    from plans
    inner join recurring_charges on plans.plan_id = recurring_charges.plan_id
    where
        recurring_charges.valid_to > plans.valid_from
        and recurring_charges.valid_to < open_end(plans.valid_to)

),

unpriced as (

    select
        days.plan_id,
        days.csv_line,
        min(days.on_date) as first_date
    from days
    where
        not exists (
            select 1
            from recurring_charges
            where
                days.plan_id = recurring_charges.plan_id
                and recurring_charges.valid_from <= days.on_date
                and open_end(recurring_charges.valid_to) > days.on_date
        )
    group by days.plan_id, days.csv_line

)

select
    'plans' as seed,
    csv_line,
    format(
        'plan_id ''{}'' has no recurring charge from {}: if it is free, write an amount of 0',
        plan_id, first_date
    ) as message
from unpriced
