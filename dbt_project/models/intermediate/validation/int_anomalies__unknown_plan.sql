with

rule as (

    select
        pass_id,
        rule_id
    from {{ ref('int_review_rules__in_scope') }}
    where rule_id = 'unknown_plan'

),

accounts as (

    select
        pass_id,
        billing_account_id,
        period_start,
        next_bill_date
    from {{ ref('int_accounts__in_scope') }}

),

past as (

    select
        billing_account_id,
        max(total_amount) as largest_amount
    from {{ ref('int_bills__past') }}
    group by billing_account_id

),

found as (

    select
        accounts.pass_id,
        accounts.billing_account_id,
        rule.rule_id,
        concat(
            'plan ', subscription_plans.plan_id,
            ' of subscription ', subscription_plans.subscription_id
        ) as seen,
        'a plan of the tariff' as expected,
        coalesce(past.largest_amount, cast(0 as decimal(18, 4))) as amount_at_stake
    from accounts
    inner join rule on accounts.pass_id = rule.pass_id
    inner join {{ ref('int_subscription_plans__effective') }} as subscription_plans
        on
            accounts.billing_account_id = subscription_plans.billing_account_id
            and subscription_plans.effective_from < accounts.next_bill_date
            and subscription_plans.effective_to > accounts.period_start
            and not subscription_plans.is_known
    left join past on accounts.billing_account_id = past.billing_account_id

)

select * from found
