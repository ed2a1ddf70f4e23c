{{ config(materialized='table') }}

with

subscription_plans as (

    select * from {{ ref('stg_landing__subscription_plans') }}

),

accounts as (

    select
        billing_account_id,
        time_zone,
        valid_from,
        valid_to
    from {{ ref('int_billing_accounts__dated') }}

),

spans as (

    select
        crm_sequence,
        subscription_id,
        billing_account_id,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('int_subscriptions__known') }}

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

-- An instant counts where the account is; without one, midnight there.
local as (

    select
        subscriptions.crm_sequence,
        subscriptions.is_latest,
        subscriptions.activated_date,
        subscriptions.terminated_date,
        subscription_plans.subscription_id,
        subscription_plans.plan_id,
        subscription_plans.valid_from,
        case
            when accounts.time_zone is not null and subscription_plans.started_at is not null
                then {{ to_local_time('subscription_plans.started_at', 'accounts.time_zone') }}
            else cast(subscription_plans.valid_from as timestamp)
        end as starts_local,
        case
            when accounts.time_zone is not null and subscription_plans.ended_at is not null
                then {{ to_local_time('subscription_plans.ended_at', 'accounts.time_zone') }}
            else
                cast(
                    coalesce(subscription_plans.valid_to, cast('9999-12-31' as date)) as timestamp
                )
        end as ends_local
    from subscription_plans
    inner join subscriptions
        on
            subscription_plans.subscription_id = subscriptions.subscription_id
            and subscription_plans.landing_sequence <= subscriptions.crm_sequence
            and coalesce(subscription_plans.superseded_sequence, subscriptions.crm_sequence + 1)
            > subscriptions.crm_sequence
    left join spans
        on
            coalesce(subscription_plans.started_at, subscription_plans.ended_at) is not null
            and subscription_plans.subscription_id = spans.subscription_id
            and subscriptions.crm_sequence = spans.crm_sequence
            and greatest(subscription_plans.valid_from, subscriptions.activated_date)
            >= spans.valid_from
            and greatest(subscription_plans.valid_from, subscriptions.activated_date)
            < spans.valid_to
    left join accounts
        on
            spans.billing_account_id = accounts.billing_account_id
            and greatest(subscription_plans.valid_from, subscriptions.activated_date)
            >= accounts.valid_from
            and greatest(subscription_plans.valid_from, subscriptions.activated_date)
            < accounts.valid_to

),

-- A plan that the tariff does not know counts as a plan, so that its usage is suspended by name.
typed as (

    select
        local.crm_sequence,
        local.is_latest,
        local.subscription_id,
        local.plan_id,
        plans.plan_name,
        coalesce(plans.plan_type, 'plan') as plan_type,
        plans.rate_plan_id,
        plans.time_band_set_id,
        plans.plan_id is not null as is_known,
        coalesce(plans.includes_roaming, false) as includes_roaming,
        local.activated_date,
        local.valid_from,
        greatest(local.starts_local, cast(local.activated_date as timestamp)) as starts_local,
        least(
            local.ends_local,
            cast(coalesce(local.terminated_date, cast('9999-12-31' as date)) as timestamp)
        ) as ends_local
    from local
    left join plans on local.plan_id = plans.plan_id

),

-- A stay that was cancelled before it began ends no other.
begun as (

    select * from typed
    where starts_local < ends_local

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
        starts_local,
        least(
            ends_local,
            coalesce(
                lead(starts_local) over (
                    partition by
                        crm_sequence, subscription_id,
                        case when plan_type = 'plan' then 'plan' else plan_id end
                    order by starts_local, valid_from, plan_id
                ),
                ends_local
            )
        ) as ends_local
    from begun

),

-- By days a stay begins with its first day, and its last is that of what follows.
effective as (

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
        cast(starts_local as date) as effective_from,
        cast(ends_local as date) as effective_to,
        starts_local,
        ends_local
    from without_overlap
    where starts_local < ends_local

)

select * from effective
