with

plans as (

    select * from {{ ref('int_subscription_plans__known') }}
    where is_latest and effective_from < effective_to

),

subscriptions as (

    select
        subscription_id,
        billing_account_id
    from {{ ref('int_subscriptions__dated') }}
    where is_current

),

effective as (

    select
        plans.subscription_id,
        subscriptions.billing_account_id,
        plans.plan_id,
        plans.plan_name,
        plans.plan_type,
        plans.rate_plan_id,
        plans.time_band_set_id,
        plans.is_known,
        plans.includes_roaming,
        plans.activated_date,
        plans.effective_from,
        plans.effective_to
    from plans
    inner join subscriptions on plans.subscription_id = subscriptions.subscription_id

)

select * from effective
