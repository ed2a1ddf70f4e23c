with

compared as (

    select * from {{ ref('int_node_hours__compared') }}
    where view_id = 'now'

)

select
    concat_ws('/', node, service, substr(cast(hour_at as string), 1, 16)) as volume_control_id,
    node,
    service,
    legal_entity_id,
    counter_band_id,
    verdict,
    case
        when verdict in ('lost_volume', 'inflated_volume', 'no_counters') then comparison_id
    end as finding_id,
    is_counted,
    is_recorded,
    counted_seconds,
    counted_bytes,
    recorded_bytes,
    recorded_bytes - counted_bytes as difference_bytes,
    low_share,
    high_share,
    hour_at,
    local_hour
from compared
