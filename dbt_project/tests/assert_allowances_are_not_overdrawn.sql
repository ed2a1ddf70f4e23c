{{ config(meta={'dagster': {'ref': {'name': 'int_allowance_draws__summed'}}}) }}

-- What all passes drew from an allowance of a period never exceeds what was granted.
select
    subscription_id,
    allowance_id,
    usage_period_start
from (
    select
        subscription_id,
        allowance_id,
        usage_period_start,
        granted_quantity,
        drawn_quantity
    from {{ ref('stg_issued__allowance_draws') }}
    union all
    select
        draws.subscription_id,
        draws.allowance_id,
        draws.usage_period_start,
        draws.granted_quantity,
        draws.drawn_quantity
    from {{ ref('int_allowance_draws__summed') }} as draws
    inner join {{ ref('int_passes__unissued') }} as unissued on draws.pass_id = unissued.pass_id
) as draws
group by subscription_id, allowance_id, usage_period_start
having sum(drawn_quantity) > max(granted_quantity)
