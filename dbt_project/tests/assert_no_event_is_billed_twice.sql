{{ config(meta={'dagster': {'ref': {'name': 'stg_issued__billed_usage'}}}) }}

-- A segment of an event stands on one invoice at most, across all runs: one more only after it was
-- taken back.
select
    event_id,
    segment_number
from {{ ref('stg_issued__billed_usage') }}
group by event_id, segment_number
having sum(case when is_reversal then -1 else 1 end) not in (0, 1)
