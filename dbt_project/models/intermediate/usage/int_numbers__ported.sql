with

ported_numbers as (

    select
        number,
        network,
        ported_at
    from {{ ref('stg_landing__ported_numbers') }}

),

-- Number portability: a number belongs to the network of its last porting, until the next.
dated as (

    select
        number,
        network,
        ported_at as valid_from,
        lead(ported_at, 1, cast('9999-12-31' as timestamp)) over (
            partition by number
            order by ported_at
        ) as valid_to
    from ported_numbers

),

ported as (

    select * from dated
    where network is not null

)

select * from ported
