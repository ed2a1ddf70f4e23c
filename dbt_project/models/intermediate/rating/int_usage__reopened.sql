{{ config(materialized='table') }}

with

accounts as (

    select
        pass_id,
        billing_account_id,
        late_usage
    from {{ ref('int_accounts__in_scope') }}

),

unbilled as (

    select
        pass_id,
        event_id,
        billing_account_id,
        subscription_id,
        started_at,
        usage_period_start,
        is_ordered
    from {{ ref('int_usage__unbilled') }}

),

repriced as (

    select distinct
        pass_id,
        event_id
    from unbilled
    where is_ordered

),

late as (

    select
        unbilled.pass_id,
        unbilled.billing_account_id,
        unbilled.subscription_id,
        unbilled.usage_period_start,
        min(unbilled.started_at) as started_at
    from unbilled
    inner join accounts
        on
            unbilled.pass_id = accounts.pass_id
            and unbilled.billing_account_id = accounts.billing_account_id
    where accounts.late_usage = 'rerate' and not unbilled.is_ordered
    group by
        unbilled.pass_id,
        unbilled.billing_account_id,
        unbilled.subscription_id,
        unbilled.usage_period_start

),

-- What is ordered opens its period whatever comes after it, under either policy.
opening as (

    select
        pass_id,
        billing_account_id,
        subscription_id,
        usage_period_start,
        started_at,
        0 as is_ordered
    from late
    union all
    select distinct
        accounts.pass_id,
        ordered_usage.billing_account_id,
        ordered_usage.subscription_id,
        ordered_usage.usage_period_start,
        cast('1900-01-01 00:00:00' as timestamp) as started_at,
        1 as is_ordered
    from {{ ref('int_usage__ordered') }} as ordered_usage
    inner join accounts on ordered_usage.billing_account_id = accounts.billing_account_id

),

-- Where something was drawn from a pool of the account, all its subscriptions hang together.
sharing as (

    select distinct
        billing_account_id,
        usage_period_start
    from {{ ref('stg_issued__allowance_draws') }}
    where pool_id = billing_account_id and drawn_quantity <> 0

),

-- A group that is computed together: a subscription, or (empty) all of the account.
opened_groups as (

    select
        opening.pass_id,
        opening.billing_account_id,
        opening.usage_period_start,
        case when sharing.billing_account_id is null then opening.subscription_id end
            as subscription_id,
        min(opening.started_at) as opened_from,
        max(opening.is_ordered) = 1 as is_ordered
    from opening
    left join sharing
        on
            opening.billing_account_id = sharing.billing_account_id
            and opening.usage_period_start = sharing.usage_period_start
    group by
        opening.pass_id,
        opening.billing_account_id,
        opening.usage_period_start,
        case when sharing.billing_account_id is null then opening.subscription_id end

),

billed as (

    select
        opened_groups.pass_id as reopened_by_pass_id,
        opened_groups.opened_from,
        opened_groups.is_ordered,
        billed_usage.*,
        max(billed_usage.started_at) over (
            partition by
                opened_groups.pass_id,
                opened_groups.billing_account_id,
                opened_groups.usage_period_start,
                opened_groups.subscription_id
        ) as billed_to
    from opened_groups
    inner join {{ ref('int_usage__billed') }} as billed_usage
        on
            opened_groups.billing_account_id = billed_usage.billing_account_id
            and opened_groups.usage_period_start = billed_usage.usage_period_start
            and (
                opened_groups.subscription_id is null
                or opened_groups.subscription_id = billed_usage.subscription_id
            )

),

-- D-211: what comes after all that was billed changes nothing of it, and goes on from there.
reopened as (

    select
        billed.reopened_by_pass_id as pass_id,
        billed.pass_id as billed_pass_id,
        billed.is_ordered,
        repriced.event_id is not null as is_repriced,
        billed.event_id,
        billed.file_id,
        billed.subscription_id,
        billed.billing_account_id,
        billed.plan_id,
        billed.service,
        billed.direction,
        billed.identifier,
        billed.other_number,
        billed.serving_network,
        billed.rating_group,
        billed.country_code,
        billed.zone_id,
        billed.roaming_zone_id,
        billed.time_band_id,
        billed.charge_code,
        billed.usage_rate_id,
        billed.usage_rate_step_id,
        billed.price_tier_set_id,
        billed.allowance_scope_id,
        billed.fair_use_limit_id,
        billed.currency_code,
        billed.tax_category,
        billed.segment_number,
        billed.segment_count,
        billed.record_number,
        billed.duration_seconds,
        billed.volume_bytes,
        billed.measured_units,
        billed.units,
        billed.free_units,
        billed.charged_units,
        billed.over_limit_units,
        billed.counted_units_before,
        billed.counted_units,
        billed.rate_amount,
        billed.per_units,
        billed.connect_amount,
        billed.list_connect_amount,
        billed.list_amount,
        billed.tier_amount,
        billed.rated_amount,
        billed.started_at,
        billed.segment_started_at,
        billed.started_local,
        billed.tariff_date,
        billed.usage_period_start,
        billed.usage_period_end
    from billed
    left join repriced
        on
            billed.reopened_by_pass_id = repriced.pass_id
            and billed.event_id = repriced.event_id
    where billed.opened_from <= billed.billed_to

)

select * from reopened
