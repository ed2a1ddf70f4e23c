{{
    config(
        materialized='incremental',
        incremental_strategy='replace_runs',
        on_schema_change='fail'
    )
}}

-- depends_on: {{ ref('int_passes__in_scope') }} (read by replace_runs)

with

accounts as (

    select
        pass_id,
        billing_account_id,
        tax_jurisdiction,
        issue_date
    from {{ ref('int_accounts__in_scope') }}

),

lines as (

    select
        invoice_id,
        pass_id,
        billing_account_id,
        currency_code,
        tax_category,
        cast(sum(net_amount) as decimal(18, 4)) as taxable_amount
    from {{ ref('int_invoice_lines__rounded') }}
    group by invoice_id, pass_id, billing_account_id, currency_code, tax_category

),

tax_rates as (

    select
        tax_rate_id,
        jurisdiction,
        tax_type,
        tax_category,
        rate,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('tax_rates') }}

),

currencies as (

    select
        currency_code,
        minor_units
    from {{ ref('currencies') }}

),

-- EN 16931 BG-23: one breakdown per category and rate, on the sum of rounded lines, at the rate of
-- the tax point. A category without a rate has none here and holds its account.
computed as (

    select
        concat_ws('/', lines.invoice_id, tax_rates.tax_type, lines.tax_category) as invoice_tax_id,
        lines.invoice_id,
        lines.pass_id,
        lines.billing_account_id,
        accounts.tax_jurisdiction,
        tax_rates.tax_type,
        lines.tax_category,
        tax_rates.tax_rate_id,
        lines.currency_code,
        tax_rates.rate as tax_rate,
        lines.taxable_amount,
        {{ round_money(
            share_of('lines.taxable_amount', 'tax_rates.rate', 1), 'currencies.minor_units'
        ) }}
            as tax_amount,
        accounts.issue_date as tax_point_date
    from lines
    inner join accounts
        on
            lines.pass_id = accounts.pass_id
            and lines.billing_account_id = accounts.billing_account_id
    inner join tax_rates
        on
            accounts.tax_jurisdiction = tax_rates.jurisdiction
            and lines.tax_category = tax_rates.tax_category
            and accounts.issue_date >= tax_rates.valid_from
            and accounts.issue_date < tax_rates.valid_to
    inner join currencies on lines.currency_code = currencies.currency_code

)

select * from computed
