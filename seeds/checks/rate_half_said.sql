-- A usage rate that says only half of a rule, so that the rule would be passed over.
select
    'usage_rates' as seed,
    csv_line,
    case
        when maximum_amount is null
            then format('maximum_strategy {} has no maximum_amount', maximum_strategy)
        else 'maximum_amount has no maximum_strategy'
    end as message
from usage_rates
where (maximum_amount is null) <> (maximum_strategy is null)
union all
select
    'usage_rates' as seed,
    csv_line,
    format(
        'minimum_amount {} is above maximum_amount {}',
        minimum_amount::varchar, maximum_amount::varchar
    )
        as message
from usage_rates
where minimum_amount > maximum_amount
union all
select
    'usage_rates' as seed,
    csv_line,
    format('rounding_method {} has no rounding_decimals', rounding_method) as message
from usage_rates
where rounding_method <> 'none' and rounding_decimals is null
union all
select
    'usage_rates' as seed,
    csv_line,
    'rounding_decimals without a rounding_method' as message
from usage_rates
where rounding_decimals is not null and rounding_method is null
union all
select
    'usage_rate_steps' as seed,
    csv_line,
    format('usage_rate_id ''{}'' is priced as recorded: it has no steps', usage_rate_id) as message
from usage_rate_steps
where
    usage_rate_id in (
        select usage_rates.usage_rate_id
        from usage_rates
        where usage_rates.price_basis = 'recorded'
    )
