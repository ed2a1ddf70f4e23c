{{ config(materialized='table') }}

with

by_date as (

    select * from {{ ref('int_time_bands__by_date') }}

),

-- Found by the local hour that an event starts in: one band, or two when one ends inside the hour.
-- When clocks go forward inside a band's last hour, it ends in the hour after.
by_hour as (

    select
        by_date.clock_id,
        by_date.time_band_set_id,
        by_date.time_band_id,
        by_date.on_date as event_date,
        hours.number - 1 as event_hour,
        by_date.starts_at,
        by_date.ends_at
    from by_date
    inner join {{ numbers(24) }} as hours
        on hours.number - 1 between by_date.first_hour and by_date.last_hour + 1

)

select * from by_hour
