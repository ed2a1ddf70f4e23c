with

destination_zones as (

    select
        zone_role,
        country_code,
        zone_id,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('destination_zones') }}

),

countries as (

    select country_code from {{ ref('destination_prefixes') }}
    union distinct
    select country_code from {{ ref('mobile_networks') }}

),

boundaries as (

    select
        zone_role,
        valid_from as version_from
    from destination_zones
    union distinct
    select
        zone_role,
        valid_to as version_from
    from destination_zones

),

-- Between two boundaries the same rows are in force.
versions as (

    select
        zone_role,
        version_from,
        lead(version_from) over (partition by zone_role order by version_from) as version_to
    from boundaries

),

-- `*` stands for every country without a row of its own at that time.
by_country as (

    select
        destination_zones.zone_role,
        countries.country_code,
        destination_zones.zone_id,
        versions.version_from as valid_from,
        versions.version_to as valid_to
    from destination_zones
    inner join countries
        on
            destination_zones.country_code = countries.country_code
            or destination_zones.country_code = '*'
    inner join versions
        on
            destination_zones.zone_role = versions.zone_role
            and destination_zones.valid_from <= versions.version_from
            and destination_zones.valid_to >= versions.version_to
    qualify
        dense_rank() over (
            partition by destination_zones.zone_role, countries.country_code, versions.version_from
            order by case when destination_zones.country_code = '*' then 2 else 1 end
        ) = 1

)

select * from by_country
