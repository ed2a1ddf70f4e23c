with

rule as (

    select
        pass_id,
        rule_id
    from {{ ref('int_review_rules__in_scope') }}
    where rule_id = 'total_does_not_add_up'

),

currencies as (

    select
        currency_code,
        minor_units
    from {{ ref('currencies') }}

),

invoices as (

    select
        invoices_totalled.pass_id,
        invoices_totalled.billing_account_id,
        invoices_totalled.net_amount,
        invoices_totalled.tax_amount,
        invoices_totalled.total_amount,
        currencies.minor_units
    from {{ ref('int_invoices__totalled') }} as invoices_totalled
    inner join currencies on invoices_totalled.currency_code = currencies.currency_code

),

-- Computed another way: from the unrounded charges, each account on its own, tax as a rate of the
-- sum, compared within what rounding can explain: half a minor unit per charge, half of one per
-- tax (per line of it, where each line's tax is rounded).
charged as (

    select
        charges.pass_id,
        accounts.payer_account_id as billing_account_id,
        count(*) as charge_count,
        cast(sum(charges.amount) as decimal(18, 6)) as charged_amount
    from {{ ref('int_charges__combined') }} as charges
    inner join rule on charges.pass_id = rule.pass_id
    inner join {{ ref('int_accounts__in_scope') }} as accounts
        on
            charges.pass_id = accounts.pass_id
            and charges.billing_account_id = accounts.billing_account_id
    group by charges.pass_id, accounts.payer_account_id

),

taxed_by_type as (

    select
        taxes.pass_id,
        taxes.billing_account_id,
        taxes.tax_category,
        taxes.tax_jurisdiction,
        taxes.tax_type,
        sum(taxes.line_count) as line_count,
        cast(sum(taxes.net_amount) as decimal(18, 4)) as net_amount,
        max(
            abs(taxes.tax_amount - taxes.taxable_amount * taxes.tax_rate)
            - {{ half_minor_unit('currencies.minor_units') }}
            * case taxes.tax_rounding when 'line' then taxes.line_count else 1 end
        ) as tax_residual
    from {{ ref('int_invoice_taxes__computed') }} as taxes
    inner join rule on taxes.pass_id = rule.pass_id
    inner join currencies on taxes.currency_code = currencies.currency_code
    group by
        taxes.pass_id,
        taxes.billing_account_id,
        taxes.tax_category,
        taxes.tax_jurisdiction,
        taxes.tax_type

),

-- Several taxes may be on one category: the one on most lines shows what is taxed at all.
taxed_by_category as (

    select
        pass_id,
        billing_account_id,
        tax_category,
        max_by(net_amount, line_count) as net_amount,
        max(tax_residual) as tax_residual
    from taxed_by_type
    group by pass_id, billing_account_id, tax_category

),

taxed as (

    select
        pass_id,
        billing_account_id,
        cast(sum(net_amount) as decimal(18, 4)) as net_amount,
        max(tax_residual) as tax_residual
    from taxed_by_category
    group by pass_id, billing_account_id

),

found as (

    select
        invoices.pass_id,
        invoices.billing_account_id,
        rule.rule_id,
        concat(
            'net ', cast(invoices.net_amount as string), ', tax ',
            cast(invoices.tax_amount as string), ', total ',
            cast(invoices.total_amount as string)
        ) as seen,
        concat('net of the charges ', cast(coalesce(charged.charged_amount, 0) as string))
            as expected,
        abs(invoices.total_amount) as amount_at_stake
    from invoices
    inner join rule on invoices.pass_id = rule.pass_id
    left join charged
        on
            invoices.pass_id = charged.pass_id
            and invoices.billing_account_id = charged.billing_account_id
    left join taxed
        on
            invoices.pass_id = taxed.pass_id
            and invoices.billing_account_id = taxed.billing_account_id
    where
        invoices.total_amount <> invoices.net_amount + invoices.tax_amount
        or abs(invoices.net_amount - coalesce(charged.charged_amount, 0))
        > {{ half_minor_unit('invoices.minor_units') }} * coalesce(charged.charge_count, 0)
        or invoices.net_amount <> coalesce(taxed.net_amount, invoices.net_amount)
        or coalesce(taxed.tax_residual, 0) > 0

)

select * from found
