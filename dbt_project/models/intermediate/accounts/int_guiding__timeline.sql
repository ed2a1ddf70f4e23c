{{ config(materialized='table') }}

with

identifiers as (

    select
        identifier,
        subscription_id,
        valid_from,
        valid_to
    from {{ ref('stg_landing__subscription_identifiers') }}

),

subscriptions as (

    select
        subscription_id,
        billing_account_id,
        valid_from,
        valid_to
    from {{ ref('int_subscriptions__dated') }}

),

plans as (

    select
        subscription_id,
        plan_id,
        rate_plan_id,
        time_band_set_id,
        effective_from,
        effective_to
    from {{ ref('int_rate_plans__agreed') }}
    where plan_type = 'plan'

),

accounts as (

    select
        billing_account_id,
        legal_entity_id,
        bill_cycle_id,
        time_zone,
        {{ to_utc('valid_from', 'time_zone') }} as valid_from_at,
        coalesce(
            lead({{ to_utc('valid_from', 'time_zone') }}) over (
                partition by billing_account_id
                order by valid_from
            ),
            cast('9999-12-31' as timestamp)
        ) as valid_to_at
    from {{ ref('int_billing_accounts__dated') }}

),

-- A number belongs to one subscription at a time: a later assignment ends an earlier one.
assigned as (

    select
        identifier,
        subscription_id,
        valid_from,
        least(
            coalesce(valid_to, cast('9999-12-31' as timestamp)),
            coalesce(
                lead(valid_from) over (
                    partition by identifier
                    order by valid_from, subscription_id
                ),
                cast('9999-12-31' as timestamp)
            )
        ) as valid_to
    from identifiers

),

intersected as (

    select
        assigned.identifier,
        assigned.subscription_id,
        subscriptions.billing_account_id,
        accounts.legal_entity_id,
        accounts.bill_cycle_id,
        accounts.time_zone,
        plans.plan_id,
        plans.rate_plan_id,
        plans.time_band_set_id,
        greatest(
            assigned.valid_from,
            {{ to_utc('subscriptions.valid_from', 'accounts.time_zone') }},
            accounts.valid_from_at,
            {{ to_utc('plans.effective_from', 'accounts.time_zone') }}
        ) as valid_from,
        least(
            assigned.valid_to,
            {{ to_utc(
                "coalesce(subscriptions.valid_to, cast('9999-12-31' as date))", 'accounts.time_zone'
            ) }},
            accounts.valid_to_at,
            {{ to_utc('plans.effective_to', 'accounts.time_zone') }}
        ) as valid_to
    from assigned
    inner join subscriptions on assigned.subscription_id = subscriptions.subscription_id
    inner join accounts on subscriptions.billing_account_id = accounts.billing_account_id
    inner join plans on assigned.subscription_id = plans.subscription_id

),

valid as (

    select * from intersected
    where valid_from < valid_to

),

-- What guiding an identifier depends on, in one hash: when it changes, the identifier's usage is
-- guided again.
hashed as (

    select
        identifier,
        md5({{ ordered_string_agg("concat_ws(
            '|', subscription_id, billing_account_id, legal_entity_id, bill_cycle_id, time_zone,
            plan_id,
            coalesce(rate_plan_id, ''), cast(valid_from as string), cast(valid_to as string)
        )") }}) as guiding_hash
    from valid
    group by identifier

),

timeline as (

    select
        valid.identifier,
        valid.subscription_id,
        valid.billing_account_id,
        valid.legal_entity_id,
        valid.bill_cycle_id,
        valid.time_zone,
        valid.plan_id,
        valid.rate_plan_id,
        valid.time_band_set_id,
        hashed.guiding_hash,
        valid.valid_from,
        valid.valid_to
    from valid
    inner join hashed on valid.identifier = hashed.identifier

)

select * from timeline
