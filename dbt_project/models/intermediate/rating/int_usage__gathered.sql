with

-- At its list price: as it arrived, or by the tariff of today where that is ordered.
unbilled as (

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
        rating_group,
        country_code,
        zone_id,
        roaming_zone_id,
        time_band_id,
        charge_code,
        usage_rate_id,
        usage_rate_step_id,
        price_tier_set_id,
        currency_code,
        tax_category,
        segment_number,
        segment_count,
        record_number,
        duration_seconds,
        volume_bytes,
        measured_units,
        units,
        rate_amount,
        per_units,
        connect_amount,
        list_amount,
        started_at,
        segment_started_at,
        started_local,
        tariff_date,
        usage_period_start,
        usage_period_end
    from {{ ref('int_usage__unbilled') }}

),

-- At the list price it was billed by: a change of the tariff corrects nobody.
reopened as (

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
        rating_group,
        country_code,
        zone_id,
        roaming_zone_id,
        time_band_id,
        charge_code,
        usage_rate_id,
        usage_rate_step_id,
        price_tier_set_id,
        currency_code,
        tax_category,
        segment_number,
        segment_count,
        record_number,
        duration_seconds,
        volume_bytes,
        measured_units,
        units,
        rate_amount,
        per_units,
        list_connect_amount as connect_amount,
        list_amount,
        started_at,
        segment_started_at,
        started_local,
        tariff_date,
        usage_period_start,
        usage_period_end
    from {{ ref('int_usage__reopened') }}
    where not is_repriced

),

gathered as (

    select * from unbilled
    union all
    select * from reopened

)

select * from gathered
