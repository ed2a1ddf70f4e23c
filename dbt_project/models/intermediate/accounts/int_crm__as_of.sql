with

-- The day on which what is "current" is read: of the last arrival, from data and not from a clock.
as_of as (

    select coalesce(max(arrival_date), cast('1900-01-01' as date)) as as_of_date
    from {{ ref('stg_landing__files') }}

)

select * from as_of
