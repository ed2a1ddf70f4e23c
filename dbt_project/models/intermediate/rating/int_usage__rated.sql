{{
    config(
        materialized='incremental',
        incremental_strategy='replace_runs',
        on_schema_change='fail'
    )
}}

with

passes as (

    select pass_id from {{ ref('int_passes__in_scope') }}

),

unbilled as (

    select unbilled_usage.*
    from {{ ref('int_usage__unbilled') }} as unbilled_usage
    inner join passes on unbilled_usage.pass_id = passes.pass_id

),

granted as (

    select
        subscription_id,
        allowance_scope_id,
        usage_period_start,
        sum(quantity) as quantity
    from {{ ref('int_allowances__granted') }}
    group by subscription_id, allowance_scope_id, usage_period_start

),

drawn_before as (

    select
        subscription_id,
        allowance_scope_id,
        usage_period_start,
        sum(drawn_quantity) as drawn_quantity
    from {{ ref('stg_issued__allowance_draws') }}
    group by subscription_id, allowance_scope_id, usage_period_start

),

-- D-006: late usage draws only on what its own period has left; billed events do not change.
available as (

    select
        granted.subscription_id,
        granted.allowance_scope_id,
        granted.usage_period_start,
        cast(
            greatest(granted.quantity - coalesce(drawn_before.drawn_quantity, 0), 0) as bigint
        ) as available_units
    from granted
    left join drawn_before
        on
            granted.subscription_id = drawn_before.subscription_id
            and granted.allowance_scope_id = drawn_before.allowance_scope_id
            and granted.usage_period_start = drawn_before.usage_period_start

),

covered as (

    select
        unbilled.event_id,
        unbilled.segment_number,
        unbilled.units,
        available.available_units,
        cast(sum(unbilled.units) over (
            partition by
                unbilled.pass_id,
                unbilled.subscription_id,
                unbilled.allowance_scope_id,
                unbilled.usage_period_start
            order by unbilled.started_at, unbilled.event_id, unbilled.segment_number
            rows between unbounded preceding and current row
        ) as bigint) as cumulated_units
    from unbilled
    inner join available
        on
            unbilled.subscription_id = available.subscription_id
            and unbilled.allowance_scope_id = available.allowance_scope_id
            and unbilled.usage_period_start = available.usage_period_start

),

drawn as (

    select
        event_id,
        segment_number,
        greatest(0, least(units, available_units - (cumulated_units - units))) as free_units
    from covered

),

charged as (

    select
        unbilled.*,
        coalesce(drawn.free_units, 0) as free_units,
        unbilled.units - coalesce(drawn.free_units, 0) as charged_units
    from unbilled
    left join drawn
        on
            unbilled.event_id = drawn.event_id
            and unbilled.segment_number = drawn.segment_number

),

rated as (

    select
        pass_id,
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
        country_code,
        zone_id,
        time_band_id,
        charge_code,
        usage_rate_id,
        allowance_scope_id,
        currency_code,
        tax_category,
        segment_number,
        record_number,
        duration_seconds,
        volume_bytes,
        measured_units,
        units,
        cast(free_units as bigint) as free_units,
        cast(charged_units as bigint) as charged_units,
        rate_amount,
        per_units,
        connect_amount,
        list_amount,
        {{ price_with_connect('charged_units', 'rate_amount', 'per_units', 'connect_amount') }}
            as rated_amount,
        started_at,
        segment_started_at,
        started_local,
        usage_period_start,
        usage_period_end
    from charged

)

select * from rated
