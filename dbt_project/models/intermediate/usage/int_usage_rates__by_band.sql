{{ config(materialized='table') }}

with

usage_rates as (

    select
        usage_rate_id,
        rate_plan_id,
        service,
        rating_group,
        zone_id,
        time_band_id,
        price_basis,
        currency_code,
        span_increments,
        initial_increment,
        additional_increment,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('usage_rates') }}

),

first_steps as (

    select
        usage_rate_id,
        min(from_units) as first_step_from
    from {{ ref('usage_rate_steps') }}
    group by usage_rate_id

),

bands as (

    select distinct
        rated_plans.rate_plan_id,
        time_bands.time_band_id
    from {{ ref('plans') }} as rated_plans
    inner join {{ ref('time_bands') }} as time_bands
        on rated_plans.time_band_set_id = time_bands.time_band_set_id

),

-- `*` stands for a record without a group, and for one with a group that has no price of its own.
rating_groups as (

    select
        rate_plan_id,
        rating_group
    from usage_rates
    union distinct
    select
        rate_plan_id,
        '*' as rating_group
    from usage_rates

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

-- `*` gives way to a row for the rating group, then to one for the band, while that is valid.
expanded as (

    select
        usage_rates.usage_rate_id,
        usage_rates.rate_plan_id,
        usage_rates.service,
        rating_groups.rating_group,
        usage_rates.zone_id,
        bands.time_band_id,
        usage_rates.price_basis,
        usage_rates.currency_code,
        usage_rates.span_increments,
        usage_rates.initial_increment,
        usage_rates.additional_increment,
        first_steps.first_step_from,
        versions.version_from as valid_from,
        versions.version_to as valid_to
    from usage_rates
    inner join rating_groups
        on
            usage_rates.rate_plan_id = rating_groups.rate_plan_id
            and usage_rates.rating_group in (rating_groups.rating_group, '*')
    inner join bands
        on
            usage_rates.rate_plan_id = bands.rate_plan_id
            and usage_rates.time_band_id in (bands.time_band_id, '*')
    inner join versions
        on
            usage_rates.rate_plan_id = versions.rate_plan_id
            and usage_rates.service = versions.service
            and usage_rates.zone_id = versions.zone_id
            and usage_rates.valid_from <= versions.version_from
            and usage_rates.valid_to >= versions.version_to
    left join first_steps on usage_rates.usage_rate_id = first_steps.usage_rate_id
    qualify
        dense_rank() over (
            partition by
                usage_rates.rate_plan_id,
                usage_rates.service,
                rating_groups.rating_group,
                usage_rates.zone_id,
                bands.time_band_id,
                versions.version_from
            order by
                case when usage_rates.rating_group = '*' then 2 else 1 end,
                case when usage_rates.time_band_id = '*' then 2 else 1 end
        ) = 1

)

select * from expanded
