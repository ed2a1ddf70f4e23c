{{ config(meta={'dagster': {'ref': {'name': 'stg_issued__billed_usage'}}}) }}

-- A segment of an event stands on one invoice at most, across all runs.
select
    event_id,
    segment_number
from {{ ref('stg_issued__billed_usage') }}
group by event_id, segment_number
having count(*) > 1
