with

rule as (

    select
        pass_id,
        rule_id
    from {{ ref('int_review_rules__in_scope') }}
    where rule_id = 'tax_missing'

),

-- A line has no tax rate when nothing is levied on its category where and when it is taxed.
lines as (

    select
        invoice_lines.pass_id,
        invoice_lines.billing_account_id,
        invoice_lines.tax_category,
        cast(sum(invoice_lines.net_amount) as decimal(18, 4)) as net_amount
    from {{ ref('int_invoice_lines__rounded') }} as invoice_lines
    where invoice_lines.tax_rate is null
    group by
        invoice_lines.pass_id,
        invoice_lines.billing_account_id,
        invoice_lines.tax_category

),

found as (

    select
        lines.pass_id,
        lines.billing_account_id,
        rule.rule_id,
        concat('no tax on lines of category ', lines.tax_category) as seen,
        'a tax rate of the jurisdiction on the tax point' as expected,
        abs(lines.net_amount) as amount_at_stake
    from lines
    inner join rule on lines.pass_id = rule.pass_id

)

select * from found
