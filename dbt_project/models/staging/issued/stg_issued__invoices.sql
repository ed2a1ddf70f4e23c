with

invoices as (

    select * from {{ read_files('issued', 'invoices') }}

),

committed_files as (

    select
        issue_id,
        ledger_sequence
    from {{ ref('stg_ledger__frozen_files') }}
    where entity = 'invoices'

),

-- A frozen file whose hash the ledger never committed does not exist.
committed as (

    select
        invoices.invoice_id,
        invoices.pass_id,
        invoices.bill_run_id,
        invoices.billing_account_id,
        invoices.customer_id,
        invoices.legal_entity_id,
        invoices.bill_cycle_id,
        invoices.currency_code,
        invoices.language,
        invoices.time_zone,
        invoices.delivery_channel,
        invoices.sales_region,
        invoices.buyer_type,
        invoices.buyer_name,
        invoices.buyer_email,
        invoices.buyer_street,
        invoices.buyer_postal_code,
        invoices.buyer_city,
        invoices.buyer_country_code,
        invoices.buyer_vat_number,
        invoices.seller_name,
        invoices.seller_email,
        invoices.seller_street,
        invoices.seller_postal_code,
        invoices.seller_city,
        invoices.seller_country_code,
        invoices.seller_vat_number,
        invoices.seller_register_entry,
        invoices.seller_iban,
        invoices.seller_bic,
        invoices.seller_bank_name,
        invoices.line_count,
        invoices.usage_amount,
        invoices.net_amount,
        invoices.tax_amount,
        invoices.total_amount,
        invoices.tax_currency_code,
        invoices.tax_exchange_rate,
        invoices.tax_currency_tax_amount,
        invoices.bill_date,
        invoices.issue_date,
        invoices.due_date,
        invoices.period_start,
        invoices.period_end,
        invoices.issue_id,
        committed_files.ledger_sequence as issue_sequence
    from invoices
    inner join committed_files on invoices.issue_id = committed_files.issue_id

)

select * from committed
