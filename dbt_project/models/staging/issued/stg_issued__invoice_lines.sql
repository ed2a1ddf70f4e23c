with

invoice_lines as (

    select * from {{ read_files('issued', 'invoice_lines') }}

),

committed_files as (

    select
        issue_id,
        ledger_sequence
    from {{ ref('stg_ledger__frozen_files') }}
    where entity = 'invoice_lines'

),

-- A frozen file whose hash the ledger never committed does not exist.
committed as (

    select
        invoice_lines.invoice_line_id,
        invoice_lines.invoice_id,
        invoice_lines.pass_id,
        invoice_lines.billing_account_id,
        invoice_lines.payer_account_id,
        invoice_lines.subscription_id,
        invoice_lines.subscription_identifier,
        invoice_lines.subscription_plan_name,
        invoice_lines.plan_id,
        invoice_lines.charge_type,
        invoice_lines.charge_code,
        invoice_lines.source_id,
        invoice_lines.description_en,
        invoice_lines.description_de,
        invoice_lines.unit,
        invoice_lines.currency_code,
        invoice_lines.tax_category,
        invoice_lines.priced_tax_category,
        invoice_lines.line_number,
        invoice_lines.event_count,
        invoice_lines.quantity,
        invoice_lines.free_quantity,
        invoice_lines.net_amount,
        invoice_lines.tax_rate,
        invoice_lines.tax_point_date,
        invoice_lines.period_start,
        invoice_lines.period_end,
        invoice_lines.issue_id,
        committed_files.ledger_sequence as issue_sequence
    from invoice_lines
    inner join committed_files on invoice_lines.issue_id = committed_files.issue_id

)

select * from committed
