{{ config(materialized='table') }}

with

subscription_plans as (

    select * from {{ ref('stg_landing__subscription_plans') }}

),

subscriptions as (

    select distinct
        crm_sequence,
        is_latest,
        subscription_id,
        activated_date,
        terminated_date
    from {{ ref('int_subscriptions__known') }}

),

plans as (

    select
        plan_id,
        plan_name,
        plan_type,
        rate_plan_id,
        time_band_set_id,
        includes_roaming
    from {{ ref('plans') }}
    qualify row_number() over (partition by plan_id order by valid_from desc) = 1

),

-- A plan that the tariff does not know counts as a plan, so that its usage is suspended by name.
typed as (

    select
        subscriptions.crm_sequence,
        subscriptions.is_latest,
        subscription_plans.subscription_id,
        subscription_plans.plan_id,
        plans.plan_name,
        coalesce(plans.plan_type, 'plan') as plan_type,
        plans.rate_plan_id,
        plans.time_band_set_id,
        plans.plan_id is not null as is_known,
        coalesce(plans.includes_roaming, false) as includes_roaming,
        subscriptions.activated_date,
        subscription_plans.valid_from,
        greatest(subscription_plans.valid_from, subscriptions.activated_date) as effective_from,
        least(
            coalesce(subscription_plans.valid_to, cast('9999-12-31' as date)),
            coalesce(subscriptions.terminated_date, cast('9999-12-31' as date))
        ) as effective_to
    from subscription_plans
    inner join subscriptions
        on
            subscription_plans.subscription_id = subscriptions.subscription_id
            and subscription_plans.landing_sequence <= subscriptions.crm_sequence
            and coalesce(subscription_plans.superseded_sequence, subscriptions.crm_sequence + 1)
            > subscriptions.crm_sequence
    left join plans on subscription_plans.plan_id = plans.plan_id

),

-- A stay that was cancelled before it began ends no other.
begun as (

    select * from typed
    where effective_from < effective_to

),

-- One plan at a time: the next one ends it. Options stand beside each other.
without_overlap as (

    select
        crm_sequence,
        is_latest,
        subscription_id,
        plan_id,
        plan_name,
        plan_type,
        rate_plan_id,
        time_band_set_id,
        is_known,
        includes_roaming,
        activated_date,
        effective_from,
        least(
            effective_to,
            coalesce(
                lead(effective_from) over (
                    partition by
                        crm_sequence, subscription_id,
                        case when plan_type = 'plan' then 'plan' else plan_id end
                    order by effective_from, valid_from, plan_id
                ),
                effective_to
            )
        ) as effective_to
    from begun

),

effective as (

    select * from without_overlap
    where effective_from < effective_to

)

select * from effective
