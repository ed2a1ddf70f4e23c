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
        tax_rounding
    from {{ ref('int_accounts__in_scope') }}

),

lines as (

    select
        invoice_id,
        pass_id,
        billing_account_id,
        payer_account_id,
        currency_code,
        priced_tax_category,
        net_amount,
        tax_point_date
    from {{ ref('int_invoice_lines__rounded') }}

),

levied as (

    select * from {{ ref('int_taxes__levied') }}

),

currencies as (

    select
        currency_code,
        minor_units
    from {{ ref('currencies') }}

),

taxed as (

    select
        lines.invoice_id,
        lines.pass_id,
        lines.payer_account_id,
        accounts.tax_rounding,
        levied.tax_jurisdiction,
        levied.tax_type,
        levied.tax_category,
        levied.einvoice_category,
        levied.tax_rate_id,
        levied.exemption_id,
        levied.exemption_reason,
        lines.currency_code,
        currencies.minor_units,
        levied.tax_rate,
        lines.net_amount,
        {{ share_of('lines.net_amount', 'levied.base_factor', 1) }} as taxable_amount,
        levied.tax_point_date
    from lines
    inner join accounts
        on
            lines.pass_id = accounts.pass_id
            and lines.billing_account_id = accounts.billing_account_id
    inner join levied
        on
            lines.pass_id = levied.pass_id
            and lines.billing_account_id = levied.billing_account_id
            and lines.priced_tax_category = levied.priced_tax_category
            and lines.tax_point_date = levied.tax_point_date
    inner join currencies on lines.currency_code = currencies.currency_code

),

line_taxes as (

    select
        taxed.*,
        {{ round_money(
            share_of('taxed.taxable_amount', 'taxed.tax_rate', 1), 'taxed.minor_units'
        ) }}
            as line_tax_amount
    from taxed

),

-- EN 16931 BG-23: one breakdown per category and rate (and per jurisdiction and type of tax). A
-- category without a rate has none and holds its account.
summed as (

    select
        invoice_id,
        pass_id,
        min(payer_account_id) as billing_account_id,
        min(tax_rounding) as tax_rounding,
        tax_jurisdiction,
        tax_type,
        tax_category,
        max(einvoice_category) as einvoice_category,
        min(tax_rate_id) as tax_rate_id,
        max(exemption_id) as exemption_id,
        max(exemption_reason) as exemption_reason,
        currency_code,
        minor_units,
        tax_rate,
        cast(count(*) as bigint) as line_count,
        cast(sum(net_amount) as decimal(18, 4)) as net_amount,
        cast(sum(taxable_amount) as decimal(18, 6)) as taxable_amount,
        cast(sum(line_tax_amount) as decimal(18, 4)) as line_tax_amount,
        max(tax_point_date) as tax_point_date
    from line_taxes
    group by
        invoice_id,
        pass_id,
        tax_jurisdiction,
        tax_type,
        tax_category,
        currency_code,
        minor_units,
        tax_rate

),

rounded as (

    select
        summed.*,
        {{ round_money('summed.taxable_amount', 'summed.minor_units') }} as rounded_taxable_amount
    from summed

),

-- D-077: on the sum of the rounded lines, or on each of them.
computed as (

    select
        concat_ws(
            '/', invoice_id, tax_jurisdiction, tax_type, tax_category, cast(tax_rate as string)
        ) as invoice_tax_id,
        invoice_id,
        pass_id,
        billing_account_id,
        tax_rounding,
        tax_jurisdiction,
        tax_type,
        tax_category,
        einvoice_category,
        tax_rate_id,
        exemption_id,
        exemption_reason,
        currency_code,
        tax_rate,
        line_count,
        net_amount,
        rounded_taxable_amount as taxable_amount,
        case tax_rounding
            when 'line' then line_tax_amount
            else {{ round_money(
                share_of('rounded_taxable_amount', 'tax_rate', 1), 'minor_units'
            ) }}
        end as tax_amount,
        tax_point_date
    from rounded

)

select * from computed
