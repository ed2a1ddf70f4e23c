with

used as (

    select distinct
        pass_id,
        zone_id,
        country_code
    from {{ ref('int_usage__rated') }}

),

zones as (

    select
        zone_id,
        zone_type,
        label_en,
        label_de
    from {{ ref('zones') }}

),

countries as (

    select
        country_code,
        country_name,
        country_name_de
    from {{ ref('countries') }}

),

-- Frozen with the pass: the itemisation prints what the tariff called a destination then.
named as (

    select
        used.pass_id,
        used.zone_id,
        used.country_code,
        zones.zone_type,
        zones.label_en as zone_label_en,
        zones.label_de as zone_label_de,
        countries.country_name,
        countries.country_name_de
    from used
    left join zones on used.zone_id = zones.zone_id
    left join countries on used.country_code = countries.country_code

)

select * from named
