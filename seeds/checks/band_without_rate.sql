-- A time band for which a zone is not priced although other bands are: there is neither a rate for
-- the band nor one for any band (`*`).
with

band_sets as (

    select distinct
        plans.rate_plan_id,
        time_bands.time_band_id
    from plans
    inner join time_bands on plans.time_band_set_id = time_bands.time_band_set_id

),

priced as (

    select
        rate_plan_id,
        service,
        rating_group,
        zone_id,
        valid_from,
        min(csv_line) as csv_line
    from usage_rates
    group by rate_plan_id, service, rating_group, zone_id, valid_from

),

unpriced as (

    select
        priced.*,
        band_sets.time_band_id
    from priced
    inner join band_sets on priced.rate_plan_id = band_sets.rate_plan_id
    where
        not exists (
            select 1
            from usage_rates
            where
                priced.rate_plan_id = usage_rates.rate_plan_id
                and priced.service = usage_rates.service
                and usage_rates.rating_group in (priced.rating_group, '*')
                and priced.zone_id = usage_rates.zone_id
                and usage_rates.time_band_id in (band_sets.time_band_id, '*')
                and usage_rates.valid_from <= priced.valid_from
                and open_end(usage_rates.valid_to) > priced.valid_from
        )

)

select
    'usage_rates' as seed,
    csv_line,
    format(
        '{} in zone ''{}'' has no rate for band ''{}'' in rate plan ''{}'' from {}',
        service, zone_id, time_band_id, rate_plan_id, valid_from
    ) as message
from unpriced
