with

passes as (

    select
        pass_id,
        issue_date
    from {{ ref('int_passes__in_scope') }}

),

exchange_rates as (

    select
        exchange_rate_id,
        from_currency_code,
        to_currency_code,
        exchange_rate,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('exchange_rates') }}
    where from_currency_code <> to_currency_code

),

currencies as (

    select currency_code from {{ ref('currencies') }}

),

-- The tax point is the pass's issue date; a currency is one of itself.
in_force as (

    select
        passes.pass_id,
        exchange_rates.from_currency_code,
        exchange_rates.to_currency_code,
        exchange_rates.exchange_rate_id,
        exchange_rates.exchange_rate
    from passes
    inner join exchange_rates
        on
            passes.issue_date >= exchange_rates.valid_from
            and passes.issue_date < exchange_rates.valid_to
    union all
    select
        passes.pass_id,
        currencies.currency_code as from_currency_code,
        currencies.currency_code as to_currency_code,
        cast(null as string) as exchange_rate_id,
        cast(1 as decimal(18, 9)) as exchange_rate
    from passes
    cross join currencies

)

select * from in_force
