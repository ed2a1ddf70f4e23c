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

by_country as (

    select
        destination_zones.zone_role,
        countries.country_code,
        destination_zones.zone_id,
        destination_zones.valid_from,
        destination_zones.valid_to
    from destination_zones
    inner join countries
        on
            destination_zones.country_code = countries.country_code
            or destination_zones.country_code = '*'
    left join destination_zones as explicit
        on
            destination_zones.country_code = '*'
            and explicit.country_code = countries.country_code
            and explicit.zone_role = destination_zones.zone_role
    where explicit.zone_id is null

)

select * from by_country
