{{ config(meta={'dagster': {'ref': {'name': 'rpt_control_totals'}}}) }}

-- Law 4: every record has one fate, and every figure meets the one it was computed from.
select *
from {{ ref('rpt_control_totals') }}
where not is_balanced
