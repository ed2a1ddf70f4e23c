{{ config(materialized='table') }}

with

time_bands as (

    select * from {{ ref('time_bands') }}

),

legal_entities as (

    select distinct
        legal_entity_id,
        time_zone
    from {{ ref('legal_entities') }}

),

calendar as (

    select cast({{ add_seconds("cast('2014-12-31' as timestamp)", 'number * 86400') }} as date) as on_date
    from {{ numbers(12000) }} as days

),

-- A band of a date in UTC, so that a clock change inside the band makes it longer or shorter.
instances as (

    select
        legal_entities.legal_entity_id,
        time_bands.time_band_set_id,
        time_bands.time_band_id,
        calendar.on_date,
        {{ to_utc(
            add_seconds(
                'cast(calendar.on_date as timestamp)',
                "cast(substr(time_bands.start_time, 1, 2) as integer) * 3600
                + cast(substr(time_bands.start_time, 4, 2) as integer) * 60"
            ), 'legal_entities.time_zone'
        ) }} as starts_at,
        {{ to_utc(
            add_seconds(
                'cast(calendar.on_date as timestamp)',
                "cast(substr(time_bands.end_time, 1, 2) as integer) * 3600
                + cast(substr(time_bands.end_time, 4, 2) as integer) * 60"
            ), 'legal_entities.time_zone'
        ) }} as ends_at
    from time_bands
    cross join legal_entities
    inner join calendar
        on
            {{ iso_weekday('calendar.on_date') }} between time_bands.first_weekday and time_bands.last_weekday
            and time_bands.valid_from <= calendar.on_date
            and coalesce(time_bands.valid_to, cast('9999-12-31' as date)) > calendar.on_date

),

-- An event finds the bands of the day it starts on and, when it runs past midnight, of the next.
by_start_date as (

    select
        legal_entity_id,
        time_band_set_id,
        time_band_id,
        on_date as event_date,
        starts_at,
        ends_at
    from instances
    union all
    select
        legal_entity_id,
        time_band_set_id,
        time_band_id,
        cast({{ add_seconds('cast(on_date as timestamp)', '-86400') }} as date) as event_date,
        starts_at,
        ends_at
    from instances

)

select * from by_start_date
