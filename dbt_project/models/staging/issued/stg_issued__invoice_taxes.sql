with

invoice_taxes as (

    select * from {{ read_files('issued', 'invoice_taxes') }}

),

committed_files as (

    select
        issue_id,
        ledger_sequence
    from {{ ref('stg_ledger__frozen_files') }}
    where entity = 'invoice_taxes'

),

-- A frozen file whose hash the ledger never committed does not exist.
committed as (

    select
        invoice_taxes.invoice_tax_id,
        invoice_taxes.invoice_id,
        invoice_taxes.pass_id,
        invoice_taxes.billing_account_id,
        invoice_taxes.tax_rounding,
        invoice_taxes.tax_jurisdiction,
        invoice_taxes.tax_type,
        invoice_taxes.tax_category,
        invoice_taxes.einvoice_category,
        invoice_taxes.tax_rate_id,
        invoice_taxes.exemption_id,
        invoice_taxes.exemption_reason,
        invoice_taxes.currency_code,
        invoice_taxes.tax_rate,
        invoice_taxes.line_count,
        invoice_taxes.net_amount,
        invoice_taxes.taxable_amount,
        invoice_taxes.tax_amount,
        invoice_taxes.tax_point_date,
        invoice_taxes.issue_id,
        committed_files.ledger_sequence as issue_sequence
    from invoice_taxes
    inner join committed_files on invoice_taxes.issue_id = committed_files.issue_id

)

select * from committed
