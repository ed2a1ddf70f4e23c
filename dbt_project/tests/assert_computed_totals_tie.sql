{{ config(meta={'dagster': {'ref': {'name': 'int_invoices__totalled'}}}) }}

-- Before anything is issued: the rated usage of each pass, with what tiers cost without
-- events, is its usage charges, each charge is a
-- line, lines are the net of the invoices, and tax breakdowns are their tax.
with

passes as (

    select pass_id from {{ ref('int_passes__in_scope') }}

),

rated as (

    select
        pass_id,
        sum(amount) as amount
    from (
        select
            pass_id,
            rated_amount as amount
        from {{ ref('int_usage__rated') }}
        union all
        select
            pass_id,
            amount
        from {{ ref('int_tier_fees__due') }}
    ) as rated_and_fees
    group by pass_id

),

charges as (

    select
        pass_id,
        count(*) as charge_count,
        sum(case when charge_type = 'usage' then priced_amount else 0 end) as usage_amount
    from {{ ref('int_charges__combined') }}
    group by pass_id

),

lines as (

    select
        pass_id,
        count(*) as line_count,
        sum(net_amount) as net_amount
    from {{ ref('int_invoice_lines__rounded') }}
    group by pass_id

),

taxes as (

    select
        pass_id,
        sum(tax_amount) as tax_amount
    from {{ ref('int_invoice_taxes__computed') }}
    group by pass_id

),

invoices as (

    select
        pass_id,
        sum(net_amount) as net_amount,
        sum(tax_amount) as tax_amount,
        sum(total_amount) as total_amount
    from {{ ref('int_invoices__totalled') }}
    group by pass_id

)

select passes.pass_id
from passes
left join rated on passes.pass_id = rated.pass_id
left join charges on passes.pass_id = charges.pass_id
left join lines on passes.pass_id = lines.pass_id
left join taxes on passes.pass_id = taxes.pass_id
left join invoices on passes.pass_id = invoices.pass_id
where
    coalesce(rated.amount, 0) <> coalesce(charges.usage_amount, 0)
    or coalesce(charges.charge_count, 0) <> coalesce(lines.line_count, 0)
    or coalesce(lines.net_amount, 0) <> coalesce(invoices.net_amount, 0)
    or coalesce(taxes.tax_amount, 0) <> coalesce(invoices.tax_amount, 0)
    or coalesce(invoices.net_amount + invoices.tax_amount, 0) <> coalesce(invoices.total_amount, 0)
