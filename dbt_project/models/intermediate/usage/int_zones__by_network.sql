{{ config(materialized='table') }}

with

network_zones as (

    select
        zone_role,
        mcc_mnc,
        zone_id,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('network_zones') }}

),

zones_by_country as (

    select * from {{ ref('int_zones__by_country') }}

),

networks as (

    select
        mcc_mnc,
        country_code
    from {{ ref('mobile_networks') }}

),

zones as (

    select
        zone_id,
        is_home_like
    from {{ ref('zones') }}

),

-- A network's own row stands before that of its country, while it is valid. A called number's
-- country is told by the number, so a network that numbers are ported to has its own row or none.
by_either as (

    select
        network_zones.zone_role,
        network_zones.mcc_mnc,
        networks.country_code,
        network_zones.zone_id,
        1 as preference,
        network_zones.valid_from,
        network_zones.valid_to
    from network_zones
    left join networks on network_zones.mcc_mnc = networks.mcc_mnc
    union all
    select
        zones_by_country.zone_role,
        networks.mcc_mnc,
        networks.country_code,
        zones_by_country.zone_id,
        2 as preference,
        zones_by_country.valid_from,
        zones_by_country.valid_to
    from networks
    inner join zones_by_country on networks.country_code = zones_by_country.country_code
    where zones_by_country.zone_role in ('visited', 'visited_incoming')

),

boundaries as (

    select
        zone_role,
        mcc_mnc,
        valid_from as version_from
    from by_either
    union distinct
    select
        zone_role,
        mcc_mnc,
        valid_to as version_from
    from by_either

),

versions as (

    select
        zone_role,
        mcc_mnc,
        version_from,
        lead(version_from) over (
            partition by zone_role, mcc_mnc
            order by version_from
        ) as version_to
    from boundaries

),

by_network as (

    select
        by_either.zone_role,
        by_either.mcc_mnc,
        by_either.country_code,
        by_either.zone_id,
        coalesce(zones.is_home_like, false) as is_home_like,
        versions.version_from as valid_from,
        versions.version_to as valid_to
    from by_either
    inner join versions
        on
            by_either.zone_role = versions.zone_role
            and by_either.mcc_mnc = versions.mcc_mnc
            and by_either.valid_from <= versions.version_from
            and by_either.valid_to >= versions.version_to
    left join zones on by_either.zone_id = zones.zone_id
    qualify
        row_number() over (
            partition by by_either.zone_role, by_either.mcc_mnc, versions.version_from
            order by by_either.preference
        ) = 1

)

select * from by_network
