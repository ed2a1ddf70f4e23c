with

subscriptions as (

    select * from {{ ref('int_subscriptions__dated') }}
    where is_current

),

plans as (

    select
        subscription_id,
        plan_id,
        plan_name
    from {{ ref('int_subscription_plans__effective') }}
    where plan_type = 'plan'
    qualify row_number() over (partition by subscription_id order by effective_from desc) = 1

),

identifiers as (

    select
        subscription_id,
        identifier
    from {{ ref('stg_landing__subscription_identifiers') }}
    qualify
        row_number() over (
            partition by subscription_id
            -- Shown is a number: `msisdn` comes before `imsi`.
            order by identifier_type desc, valid_from desc, identifier asc
        ) = 1

),

-- How a subscription is called as it is known now: by its newest number and plan.
described as (

    select
        subscriptions.subscription_id,
        subscriptions.billing_account_id,
        identifiers.identifier,
        plans.plan_id,
        plans.plan_name,
        subscriptions.activated_date,
        subscriptions.terminated_date
    from subscriptions
    left join plans on subscriptions.subscription_id = plans.subscription_id
    left join identifiers on subscriptions.subscription_id = identifiers.subscription_id

)

select * from described
