-- A zone that usage can fall into on a day on which a rate plan that sells the service has no rate
-- for it: such records would wait in suspense.
with

sold as (

    select distinct
        rate_plan_id,
        service
    from usage_rates

),

home_countries as (

    select distinct mobile_networks.country_code
    from legal_entities
    inner join mobile_networks on legal_entities.home_network = mobile_networks.mcc_mnc

),

-- Messages and calls go to a zone; everything can be used in a visited one, unless that is rated as
-- at home; data at home has one zone; what comes in has zones of its own. A zone of certain calling
-- numbers only concerns those who hold them.
reached as (

    select
        zone_id,
        unnest(['voice', 'sms', 'mms']) as service,
        valid_from
    from destination_zones
    where zone_role = 'called'
    union distinct
    select
        visited.zone_id,
        unnest(['voice', 'sms', 'mms', 'data']) as service,
        visited.valid_from
    from (
        select
            zone_id,
            valid_from
        from destination_zones
        where zone_role = 'visited'
        union all
        select
            zone_id,
            valid_from
        from network_zones
        where zone_role = 'visited'
    ) as visited
    inner join zones on visited.zone_id = zones.zone_id
    where not zones.is_home_like
    union distinct
    select
        destination_zones.zone_id,
        'data' as service,
        destination_zones.valid_from
    from destination_zones
    inner join home_countries on destination_zones.country_code = home_countries.country_code
    where destination_zones.zone_role = 'called'
    union distinct
    select
        incoming.zone_id,
        unnest(['voice', 'sms']) as service,
        incoming.valid_from
    from destination_zones as incoming
    inner join zones on incoming.zone_id = zones.zone_id
    where
        incoming.zone_role in ('incoming', 'visited_incoming')
        and not zones.is_home_like
    union distinct
    select
        zone_id,
        'voice' as service,
        valid_from
    from number_zones
    where calling_prefix is null
    union distinct
    select
        zone_id,
        'voice' as service,
        valid_from
    from network_zones
    where zone_role = 'called'

),

rate_plans as (

    select
        rate_plan_id,
        min(valid_from) as valid_from,
        max(open_end(valid_to)) as valid_to
    from plans
    where rate_plan_id is not null
    group by rate_plan_id

),

needed as (

    select
        sold.rate_plan_id,
        sold.service,
        reached.zone_id,
        min(greatest(rate_plans.valid_from, reached.valid_from)) as valid_from,
        max(rate_plans.valid_to) as valid_to
    from sold
    inner join rate_plans on sold.rate_plan_id = rate_plans.rate_plan_id
    inner join reached on sold.service = reached.service
    group by sold.rate_plan_id, sold.service, reached.zone_id

),

days as (

    select
        rate_plan_id,
        service,
        zone_id,
        valid_from as on_date
    from needed
    where valid_from < valid_to
    union distinct
    select
        needed.rate_plan_id,
        needed.service,
        needed.zone_id,
        usage_rates.valid_to as on_date
    from needed
    inner join usage_rates
        on
            needed.rate_plan_id = usage_rates.rate_plan_id
            and needed.service = usage_rates.service
            and needed.zone_id = usage_rates.zone_id
    where
        usage_rates.valid_to > needed.valid_from
        and usage_rates.valid_to < needed.valid_to

),

unrated as (

    select
        days.rate_plan_id,
        days.service,
        days.zone_id,
        min(days.on_date) as first_date
    from days
    where
        not exists (
            select 1
            from usage_rates
            where
                days.rate_plan_id = usage_rates.rate_plan_id
                and days.service = usage_rates.service
                and days.zone_id = usage_rates.zone_id
                and usage_rates.valid_from <= days.on_date
                and open_end(usage_rates.valid_to) > days.on_date
        )
    group by days.rate_plan_id, days.service, days.zone_id

),

unused as (

    select
        zones.csv_line,
        zones.zone_id
    from zones
    left join usage_rates on zones.zone_id = usage_rates.zone_id
    left join unrated on zones.zone_id = unrated.zone_id
    where
        usage_rates.zone_id is null
        and unrated.zone_id is null
        and not zones.is_home_like

)

select
    'zones' as seed,
    zones.csv_line,
    format(
        'zone_id ''{}'' has no {} rate in rate plan ''{}'' from {}',
        unrated.zone_id, unrated.service, unrated.rate_plan_id, unrated.first_date
    ) as message
from unrated
inner join zones on unrated.zone_id = zones.zone_id
union all
select
    'zones' as seed,
    csv_line,
    format('zone_id ''{}'' has no rate in any rate plan', zone_id) as message
from unused
