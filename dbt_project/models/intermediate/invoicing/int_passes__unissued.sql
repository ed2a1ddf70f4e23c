with

passes as (

    select pass_id from {{ ref('stg_ledger__passes') }}

),

issued as (

    select distinct pass_id
    from {{ ref('stg_ledger__pass_transitions') }}
    where pass_state = 'issued'

),

unissued as (

    select passes.pass_id
    from passes
    left join issued on passes.pass_id = issued.pass_id
    where issued.pass_id is null

)

select * from unissued
