with

usage_rates as (

    select * from {{ ref('usage_rates') }}

),

bands as (

    select distinct time_band_id
    from {{ ref('time_bands') }}

),

explicit as (

    select * from usage_rates
    where time_band_id <> '*'

),

-- `*` stands for every band without a row of its own for the same plan, service and zone.
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
        usage_rates.valid_from,
        coalesce(usage_rates.valid_to, cast('9999-12-31' as date)) as valid_to
    from usage_rates
    inner join bands
        on usage_rates.time_band_id = bands.time_band_id or usage_rates.time_band_id = '*'
    left join explicit
        on
            usage_rates.time_band_id = '*'
            and usage_rates.rate_plan_id = explicit.rate_plan_id
            and usage_rates.service = explicit.service
            and usage_rates.zone_id = explicit.zone_id
            and bands.time_band_id = explicit.time_band_id
    where explicit.usage_rate_id is null

)

select * from expanded
