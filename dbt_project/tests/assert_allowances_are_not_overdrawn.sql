{{ config(meta={'dagster': {'ref': {'name': 'int_allowance_draws__summed'}}}) }}

-- What all passes drew from an allowance never exceeds what was granted.
select
    pool_id,
    allowance_id,
    granted_from
from (
    select
        pool_id,
        allowance_id,
        granted_from,
        granted_quantity,
        drawn_quantity
    from {{ ref('stg_issued__allowance_draws') }}
    union all
    select
        pool_id,
        allowance_id,
        granted_from,
        granted_quantity,
        drawn_quantity
    from {{ ref('stg_landing__opening_allowances') }}
    union all
    select
        draws.pool_id,
        draws.allowance_id,
        draws.granted_from,
        draws.granted_quantity,
        draws.drawn_quantity
    from {{ ref('int_allowance_draws__summed') }} as draws
    inner join {{ ref('int_passes__unissued') }} as unissued on draws.pass_id = unissued.pass_id
) as draws
group by pool_id, allowance_id, granted_from
having sum(drawn_quantity) > max(granted_quantity) or sum(drawn_quantity) < 0
