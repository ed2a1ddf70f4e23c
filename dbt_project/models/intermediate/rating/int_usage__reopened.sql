{{ config(materialized='table') }}

with

accounts as (

    select
        pass_id,
        billing_account_id
    from {{ ref('int_accounts__in_scope') }}
    where late_usage = 'rerate'

),

late as (

    select
        unbilled.pass_id,
        unbilled.billing_account_id,
        unbilled.subscription_id,
        unbilled.usage_period_start,
        min(unbilled.started_at) as started_at
    from {{ ref('int_usage__unbilled') }} as unbilled
    inner join accounts
        on
            unbilled.pass_id = accounts.pass_id
            and unbilled.billing_account_id = accounts.billing_account_id
    group by
        unbilled.pass_id,
        unbilled.billing_account_id,
        unbilled.subscription_id,
        unbilled.usage_period_start

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
late_groups as (

    select
        late.pass_id,
        late.billing_account_id,
        late.usage_period_start,
        case when sharing.billing_account_id is null then late.subscription_id end
            as subscription_id,
        min(late.started_at) as late_from
    from late
    left join sharing
        on
            late.billing_account_id = sharing.billing_account_id
            and late.usage_period_start = sharing.usage_period_start
    group by
        late.pass_id,
        late.billing_account_id,
        late.usage_period_start,
        case when sharing.billing_account_id is null then late.subscription_id end

),

billed as (

    select
        late_groups.pass_id as reopened_by_pass_id,
        late_groups.late_from,
        billed_usage.*,
        max(billed_usage.started_at) over (
            partition by
                late_groups.pass_id,
                late_groups.billing_account_id,
                late_groups.usage_period_start,
                late_groups.subscription_id
        ) as billed_to
    from late_groups
    inner join {{ ref('int_usage__billed') }} as billed_usage
        on
            late_groups.billing_account_id = billed_usage.billing_account_id
            and late_groups.usage_period_start = billed_usage.usage_period_start
            and (
                late_groups.subscription_id is null
                or late_groups.subscription_id = billed_usage.subscription_id
            )

),

-- D-211: what comes after all that was billed changes nothing of it, and goes on from there.
reopened as (

    select
        reopened_by_pass_id as pass_id,
        pass_id as billed_pass_id,
        event_id,
        file_id,
        subscription_id,
        billing_account_id,
        plan_id,
        service,
        direction,
        identifier,
        other_number,
        serving_network,
        rating_group,
        country_code,
        zone_id,
        roaming_zone_id,
        time_band_id,
        charge_code,
        usage_rate_id,
        usage_rate_step_id,
        price_tier_set_id,
        allowance_scope_id,
        fair_use_limit_id,
        currency_code,
        tax_category,
        segment_number,
        segment_count,
        record_number,
        duration_seconds,
        volume_bytes,
        measured_units,
        units,
        free_units,
        charged_units,
        over_limit_units,
        counted_units_before,
        counted_units,
        rate_amount,
        per_units,
        connect_amount,
        list_connect_amount,
        list_amount,
        tier_amount,
        rated_amount,
        started_at,
        segment_started_at,
        started_local,
        tariff_date,
        usage_period_start,
        usage_period_end
    from billed
    where late_from <= billed_to

)

select * from reopened
