-- A price whose tax category has no rate in the jurisdiction of a legal entity: its invoices would
-- all be held.
with

prices as (

    select
        'recurring_charges' as seed,
        csv_line,
        tax_category
    from recurring_charges
    union all
    select
        'usage_rates' as seed,
        csv_line,
        tax_category
    from usage_rates
    union all
    select
        'commitments' as seed,
        csv_line,
        tax_category
    from commitments
    union all
    select
        'fees' as seed,
        csv_line,
        tax_category
    from fees

),

jurisdictions as (

    select distinct tax_jurisdiction from legal_entities

)

select
    prices.seed,
    prices.csv_line,
    format(
        'tax_category ''{}'' has no tax rate in {}',
        prices.tax_category, jurisdictions.tax_jurisdiction
    ) as message
from prices
cross join jurisdictions
where
    prices.tax_category is not null
    and not exists (
        select 1
        from tax_rates
        where
            jurisdictions.tax_jurisdiction = tax_rates.jurisdiction
            and prices.tax_category = tax_rates.tax_category
    )
