with

usage_rates as (

    select
        usage_rate_id,
        rate_plan_id,
        service,
        zone_id,
        time_band_id,
        charge_code,
        currency_code,
        tax_category,
        rate_amount,
        per_units,
        connect_amount,
        initial_increment,
        additional_increment,
        price_tier_set_id,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('usage_rates') }}

),

bands as (

    select distinct time_band_id
    from {{ ref('time_bands') }}

),

boundaries as (

    select
        rate_plan_id,
        service,
        zone_id,
        valid_from as version_from
    from usage_rates
    union distinct
    select
        rate_plan_id,
        service,
        zone_id,
        valid_to as version_from
    from usage_rates

),

-- Between two boundaries the same rows are in force.
versions as (

    select
        rate_plan_id,
        service,
        zone_id,
        version_from,
        lead(version_from) over (
            partition by rate_plan_id, service, zone_id
            order by version_from
        ) as version_to
    from boundaries

),

-- `*` stands for every band without a row of its own at that time.
expanded as (

    select
        usage_rates.usage_rate_id,
        usage_rates.rate_plan_id,
        usage_rates.service,
        usage_rates.zone_id,
        bands.time_band_id,
        usage_rates.charge_code,
        usage_rates.currency_code,
        usage_rates.tax_category,
        usage_rates.rate_amount,
        usage_rates.per_units,
        usage_rates.connect_amount,
        usage_rates.initial_increment,
        usage_rates.additional_increment,
        usage_rates.price_tier_set_id,
        versions.version_from as valid_from,
        versions.version_to as valid_to
    from usage_rates
    inner join bands
        on usage_rates.time_band_id = bands.time_band_id or usage_rates.time_band_id = '*'
    inner join versions
        on
            usage_rates.rate_plan_id = versions.rate_plan_id
            and usage_rates.service = versions.service
            and usage_rates.zone_id = versions.zone_id
            and usage_rates.valid_from <= versions.version_from
            and usage_rates.valid_to >= versions.version_to
    qualify
        dense_rank() over (
            partition by
                usage_rates.rate_plan_id,
                usage_rates.service,
                usage_rates.zone_id,
                bands.time_band_id,
                versions.version_from
            order by case when usage_rates.time_band_id = '*' then 2 else 1 end
        ) = 1

)

select * from expanded
