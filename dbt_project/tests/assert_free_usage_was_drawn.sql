{{ config(meta={'dagster': {'ref': {'name': 'int_allowance_draws__summed'}}}) }}

-- Every free unit of a pass was drawn from some allowance, and the other way round.
with

passes as (

    select pass_id from {{ ref('int_passes__in_scope') }}

),

rated as (

    select
        pass_id,
        sum(free_units) as free_units
    from {{ ref('int_usage__rated') }}
    group by pass_id

),

drawn as (

    select
        pass_id,
        sum(free_quantity) as free_units
    from {{ ref('int_allowance_draws__summed') }}
    group by pass_id

)

select passes.pass_id
from passes
left join rated on passes.pass_id = rated.pass_id
left join drawn on passes.pass_id = drawn.pass_id
where coalesce(rated.free_units, 0) <> coalesce(drawn.free_units, 0)
