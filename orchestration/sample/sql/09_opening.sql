-- What the old system leaves behind on the first day of the first month.
create view export_opening_charged_through as
select
    subscription_id,
    plan_id,
    -- the voice-mail option is billed in arrears, all else in advance
    case
        when plan_id = 'option_voicemail' then getvariable('month')
        else cast(getvariable('month') + interval 1 month as date)
    end as charged_through,
from plan_history
where valid_from < getvariable('month')
order by subscription_id, plan_id;

-- Six past bills near what the account costs now: its usage in the table, give or take 15 %.
create view export_opening_bills as
with fees as (
    select *
    from (values
        ('flat_s', 4.99), ('flat_m', 9.99), ('flat_l', 19.99), ('flat_xxl', 29.99),
        ('option_international', 3.00), ('option_voicemail', 1.50),
        ('option_roaming', 2.50), ('option_data_5gb', 7.99)
    ) as fees (plan_id, amount)
),

recurring as (
    select plan_history.subscription_id, sum(fees.amount) as amount
    from plan_history
    join fees
        on plan_history.plan_id = fees.plan_id
    where plan_history.valid_from < getvariable('month')
    group by plan_history.subscription_id
),

usage_charges as (
    select base_row, sum(charge) as amount
    from base_bands
    group by base_row
),

accounts as (
    select
        subscribers.billing_account_id,
        subscribers.account_n,
        sum(recurring.amount) as recurring_amount,
        -- some text messages and data on top; the silent ones used to talk
        sum(coalesce(usage_charges.amount, 40.00) + 1.50) as usage_amount,
    from subscribers
    join recurring
        on subscribers.subscription_id = recurring.subscription_id
    left join usage_charges
        on subscribers.base_row = usage_charges.base_row
    where subscribers.part <> 'new'
    group by all
),

billed as (
    select
        accounts.billing_account_id,
        cast(getvariable('month') - to_months(cast(ago as integer)) as date) as bill_date,
        accounts.recurring_amount,
        cast(round(
            cast(accounts.usage_amount as decimal(14, 2))
            * cast(85 + pick(31, 'past', accounts.account_n, ago) as decimal(3, 0))
            * 0.01,
            2
        ) as decimal(14, 2)) as usage_amount,
    from accounts
    cross join range(6) as past (ago)
)

select
    billing_account_id,
    bill_date,
    cast(bill_date - interval 1 month as date) as period_start,
    bill_date as period_end,
    usage_amount,
    -- with 19 % VAT
    cast(round(
        (usage_amount + cast(recurring_amount as decimal(14, 2))) * 1.19, 2
    ) as decimal(14, 2)) as total_amount,
    'EUR' as currency_code,
from billed
order by billing_account_id, bill_date;
