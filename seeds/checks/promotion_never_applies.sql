-- A promotion that no bill can ever show: nothing to take off, or nothing to take it off from.
with

judged as (

    select
        promotions.csv_line,
        promotions.promotion_id,
        case
            when promotions.discount_percent = 0 then 'discount_percent is 0'
            when
                exists (
                    select 1
                    from charge_codes
                    where
                        promotions.charge_code = charge_codes.charge_code
                        and promotions.charge_type not in (charge_codes.charge_type, '*')
                )
                then 'its charge code is of another charge type'
            when promotions.plan_id = '*' then null
            when
                promotions.charge_type = 'usage'
                and not exists (
                    select 1
                    from plans
                    inner join usage_rates on plans.rate_plan_id = usage_rates.rate_plan_id
                    where promotions.plan_id = plans.plan_id
                )
                then 'its plan has no usage rates'
            when
                promotions.charge_type = 'recurring'
                and not exists (
                    select 1
                    from recurring_charges
                    where promotions.plan_id = recurring_charges.plan_id
                )
                then 'its plan has no recurring charge'
            when
                promotions.charge_type = 'recurring'
                and not exists (
                    select 1
                    from recurring_charges
                    where
                        promotions.plan_id = recurring_charges.plan_id
                        and recurring_charges.amount > 0
                        and open_end(recurring_charges.valid_to) > promotions.valid_from
                )
                then 'its plan costs nothing while it runs'
            when
                not exists (
                    select 1
                    from plans
                    where
                        promotions.plan_id = plans.plan_id
                        and plans.valid_from < open_end(promotions.valid_to)
                        and open_end(plans.valid_to) > promotions.valid_from
                )
                then 'its plan is not sold while it runs'
        end as reason
    from promotions
    where promotions.plan_id is not null

)

select
    'promotions' as seed,
    csv_line,
    format('promotion_id ''{}'' can never apply: {}', promotion_id, reason) as message
from judged
where reason is not null
