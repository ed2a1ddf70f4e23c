{{ config(meta={'dagster': {'ref': {'name': 'stg_ledger__documents'}}}) }}

-- Numbers are gapless per legal entity, series and year, beginning with 1.
select
    legal_entity_id,
    number_series,
    series_year
from {{ ref('stg_ledger__documents') }}
group by legal_entity_id, number_series, series_year
having count(*) <> max(series_number) or min(series_number) <> 1
