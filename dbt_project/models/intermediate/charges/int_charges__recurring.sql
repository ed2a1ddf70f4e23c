with

accounts as (

    select
        pass_id,
        billing_account_id,
        legal_entity_id,
        bill_cycle_id,
        currency_code,
        bill_date,
        go_live_date,
        next_bill_date,
        coalesce(closed_date, cast('9999-12-31' as date)) as closed_date
    from {{ ref('int_accounts__in_scope') }}

),

subscription_plans as (

    select
        subscription_id,
        billing_account_id,
        plan_id,
        effective_from,
        effective_to,
        row_number() over (
            partition by subscription_id, plan_id
            order by effective_from desc
        ) = 1 as is_last_stay
    from {{ ref('int_subscription_plans__effective') }}

),

recurring_charges as (

    select
        recurring_charge_id,
        plan_id,
        charge_code,
        amount,
        currency_code,
        billing_timing,
        proration,
        tax_category,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('recurring_charges') }}

),

charges as (

    select distinct
        plan_id,
        charge_code,
        billing_timing
    from recurring_charges

),

charged_through as (

    select * from {{ ref('int_recurring_charges__charged_through') }}

),

periods as (

    select * from {{ ref('int_bill_periods__aligned') }}

),

-- What the account is charged for ends with the account.
stays as (

    select
        accounts.pass_id,
        accounts.billing_account_id,
        accounts.legal_entity_id,
        accounts.bill_cycle_id,
        accounts.bill_date,
        accounts.go_live_date,
        accounts.next_bill_date,
        subscription_plans.subscription_id,
        subscription_plans.plan_id,
        subscription_plans.is_last_stay,
        subscription_plans.effective_from,
        least(subscription_plans.effective_to, accounts.closed_date) as effective_to
    from accounts
    inner join subscription_plans
        on accounts.billing_account_id = subscription_plans.billing_account_id

),

-- From the day it was charged through to the horizon: in advance the end of the aligned period that
-- contains the bill date, in arrears the bill date. Charged beyond the end of a stay: given back.
spans as (

    select
        stays.pass_id,
        stays.billing_account_id,
        stays.legal_entity_id,
        stays.bill_cycle_id,
        stays.subscription_id,
        stays.plan_id,
        charges.charge_code,
        charges.billing_timing,
        greatest(
            stays.effective_from,
            coalesce(charged_through.charged_through_date, stays.go_live_date)
        ) as charge_from,
        least(
            stays.effective_to,
            case charges.billing_timing
                when 'advance' then stays.next_bill_date
                else stays.bill_date
            end
        ) as charge_to,
        case
            when
                stays.is_last_stay
                and stays.effective_to <= stays.bill_date
                then charged_through.charged_through_date
        end as given_back_to,
        coalesce(charged_through.charged_through_date > stays.effective_from, false)
            as is_continued,
        stays.effective_to
    from stays
    inner join charges on stays.plan_id = charges.plan_id
    left join charged_through
        on
            stays.subscription_id = charged_through.subscription_id
            and stays.plan_id = charged_through.plan_id
            and charges.charge_code = charged_through.charge_code

),

signed as (

    select
        pass_id,
        billing_account_id,
        legal_entity_id,
        bill_cycle_id,
        subscription_id,
        plan_id,
        charge_code,
        charge_from,
        charge_to,
        charge_to as charged_through_date,
        is_continued,
        1 as direction
    from spans
    where charge_from < charge_to
    union all
    select
        pass_id,
        billing_account_id,
        legal_entity_id,
        bill_cycle_id,
        subscription_id,
        plan_id,
        charge_code,
        effective_to as charge_from,
        given_back_to as charge_to,
        effective_to as charged_through_date,
        true as is_continued,
        -1 as direction
    from spans
    where effective_to < given_back_to

),

-- Cut at aligned periods and at price changes.
cut as (

    select
        signed.pass_id,
        signed.billing_account_id,
        signed.subscription_id,
        signed.plan_id,
        signed.charge_code,
        signed.charged_through_date,
        signed.is_continued,
        signed.direction,
        recurring_charges.recurring_charge_id,
        recurring_charges.amount,
        recurring_charges.currency_code,
        recurring_charges.proration,
        recurring_charges.tax_category,
        periods.period_start as aligned_period_start,
        least(signed.charge_to, periods.period_end) as uncut_period_end,
        {{ days_between('periods.period_start', 'periods.period_end') }} as period_days,
        greatest(signed.charge_from, periods.period_start, recurring_charges.valid_from)
            as period_start,
        least(signed.charge_to, periods.period_end, recurring_charges.valid_to) as period_end
    from signed
    inner join periods
        on
            signed.legal_entity_id = periods.legal_entity_id
            and signed.bill_cycle_id = periods.bill_cycle_id
            and periods.period_start < signed.charge_to
            and periods.period_end > signed.charge_from
    inner join recurring_charges
        on
            signed.plan_id = recurring_charges.plan_id
            and signed.charge_code = recurring_charges.charge_code
            and recurring_charges.valid_from < signed.charge_to
            and recurring_charges.valid_to > signed.charge_from
            and greatest(signed.charge_from, periods.period_start, recurring_charges.valid_from)
            < least(signed.charge_to, periods.period_end, recurring_charges.valid_to)

),

-- What is not prorated is charged once per begun period, at the price it begins with, and given
-- back only for a period not begun.
due as (

    select
        pass_id,
        billing_account_id,
        subscription_id,
        plan_id,
        charge_code,
        charged_through_date,
        direction,
        recurring_charge_id,
        amount,
        currency_code,
        proration,
        tax_category,
        aligned_period_start,
        period_days,
        period_start,
        case proration when 'none' then uncut_period_end else period_end end as period_end
    from cut
    qualify
        proration <> 'none'
        or (
            not (is_continued and period_start > aligned_period_start)
            and row_number() over (
                partition by
                    pass_id, subscription_id, plan_id, charge_code, charged_through_date,
                    aligned_period_start
                order by period_start
            ) = 1
        )

),

priced as (

    select
        pass_id,
        billing_account_id,
        subscription_id,
        plan_id,
        charge_code,
        recurring_charge_id,
        currency_code,
        tax_category,
        cast({{ days_between('period_start', 'period_end') }} as bigint) as charged_days,
        cast(period_days as bigint) as period_days,
        case proration
            when 'none' then cast(direction * amount as decimal(18, 6))
            else {{ prorate(
                'direction * amount', days_between('period_start', 'period_end'), 'period_days'
            ) }}
        end as amount,
        aligned_period_start,
        period_start,
        period_end,
        charged_through_date
    from due

)

select * from priced
