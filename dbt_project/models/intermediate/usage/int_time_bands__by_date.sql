{{ config(materialized='table') }}

with

time_bands as (

    select * from {{ ref('time_bands') }}

),

legal_entities as (

    select
        legal_entity_id,
        time_zone,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('legal_entities') }}

),

-- The days on which usage started, and one on either side: time zones and midnight.
started as (

    select distinct cast(started_at as date) as started_on
    from {{ ref('stg_landing__usage') }}

),

calendar as (

    select distinct
        cast(
            {{ add_seconds(
                'cast(started.started_on as timestamp)', '(days.number - 3) * 86400'
            ) }} as date
        )
            as on_date
    from started
    cross join {{ numbers(5) }} as days

),

-- A band of a date in UTC, so that a clock change inside the band makes it longer or shorter.
instances as (

    select
        legal_entities.legal_entity_id,
        time_bands.time_band_set_id,
        time_bands.time_band_id,
        calendar.on_date,
        cast(substr(time_bands.start_time, 1, 2) as integer) as first_hour,
        cast(
            {{ integer_divide(
                'cast(substr(time_bands.end_time, 1, 2) as integer) * 60
                + cast(substr(time_bands.end_time, 4, 2) as integer) - 1', '60'
            ) }} as integer
        ) as last_hour,
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
            legal_entities.valid_from <= calendar.on_date
            and legal_entities.valid_to > calendar.on_date
            and {{ iso_weekday('calendar.on_date') }} >= time_bands.first_weekday
            and {{ iso_weekday('calendar.on_date') }} <= time_bands.last_weekday
            and time_bands.valid_from <= calendar.on_date
            and coalesce(time_bands.valid_to, cast('9999-12-31' as date)) > calendar.on_date

),

by_date as (

    select
        legal_entity_id,
        time_band_set_id,
        time_band_id,
        on_date,
        first_hour,
        last_hour,
        starts_at,
        ends_at
    from instances

)

select * from by_date
