-- An allowance that no usage can draw on: its unit is not its services', or none of them is sold.
with

units as (

    select
        allowances.csv_line,
        allowances.allowance_id,
        allowances.unit,
        allowance_scopes.service,
        case allowance_scopes.service
            when 'voice' then 'seconds'
            when 'data' then 'bytes'
            else 'events'
        end as service_unit
    from allowances
    inner join allowance_scopes
        on allowances.allowance_scope_id = allowance_scopes.allowance_scope_id

)

select distinct
    'allowances' as seed,
    csv_line,
    format(
        'allowance_id ''{}'' is in {}, but {} is counted in {}',
        allowance_id, unit, service, service_unit
    ) as message
from units
where unit <> service_unit
union all
select
    'allowances' as seed,
    allowances.csv_line,
    format(
        'allowance_id ''{}'' can never be drawn: no rate covers its scope ''{}''',
        allowances.allowance_id, allowances.allowance_scope_id
    ) as message
from allowances
where
    not exists (
        select 1
        from allowance_scopes
        inner join usage_rates
            on
                allowance_scopes.service = usage_rates.service
                and allowance_scopes.zone_id in ('*', usage_rates.zone_id)
                and (
                    usage_rates.time_band_id = '*'
                    or allowance_scopes.time_band_id in ('*', usage_rates.time_band_id)
                )
        where allowances.allowance_scope_id = allowance_scopes.allowance_scope_id
    )
