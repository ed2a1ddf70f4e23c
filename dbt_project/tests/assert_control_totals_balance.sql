{{ config(meta={'dagster': {'ref': {'name': 'rpt_control_totals'}}}) }}

-- Law 4: every record has one fate, and every figure meets the one it was computed from. Files that
-- did not come have none: what they do is policy (D-157).
select *
from {{ ref('rpt_control_totals') }}
where not is_balanced and control_step <> 'complete'
