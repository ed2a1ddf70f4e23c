with

frozen as (

    select
        invoice_id,
        pass_id,
        bill_run_id,
        billing_account_id,
        customer_id,
        legal_entity_id,
        bill_cycle_id,
        currency_code,
        language,
        time_zone,
        delivery_channel,
        sales_region,
        buyer_type,
        buyer_name,
        buyer_email,
        buyer_street,
        buyer_postal_code,
        buyer_city,
        buyer_country_code,
        buyer_vat_number,
        seller_name,
        seller_email,
        seller_street,
        seller_postal_code,
        seller_city,
        seller_country_code,
        seller_vat_number,
        seller_register_entry,
        seller_iban,
        seller_bic,
        seller_bank_name,
        line_count,
        usage_amount,
        net_amount,
        tax_amount,
        total_amount,
        tax_currency_code,
        tax_exchange_rate,
        tax_currency_tax_amount,
        bill_date,
        issue_date,
        due_date,
        period_start,
        period_end,
        'issued' as billing_status
    from {{ ref('stg_issued__invoices') }}

),

unissued as (

    select * from {{ ref('int_accounts__unissued') }}

),

computed as (

    select
        computed.invoice_id,
        computed.pass_id,
        computed.bill_run_id,
        computed.billing_account_id,
        computed.customer_id,
        computed.legal_entity_id,
        computed.bill_cycle_id,
        computed.currency_code,
        computed.language,
        computed.time_zone,
        computed.delivery_channel,
        computed.sales_region,
        computed.buyer_type,
        computed.buyer_name,
        computed.buyer_email,
        computed.buyer_street,
        computed.buyer_postal_code,
        computed.buyer_city,
        computed.buyer_country_code,
        computed.buyer_vat_number,
        computed.seller_name,
        computed.seller_email,
        computed.seller_street,
        computed.seller_postal_code,
        computed.seller_city,
        computed.seller_country_code,
        computed.seller_vat_number,
        computed.seller_register_entry,
        computed.seller_iban,
        computed.seller_bic,
        computed.seller_bank_name,
        computed.line_count,
        computed.usage_amount,
        computed.net_amount,
        computed.tax_amount,
        computed.total_amount,
        computed.tax_currency_code,
        computed.tax_exchange_rate,
        computed.tax_currency_tax_amount,
        computed.bill_date,
        computed.issue_date,
        computed.due_date,
        computed.period_start,
        computed.period_end,
        unissued.billing_status
    from {{ ref('int_invoices__totalled') }} as computed
    inner join unissued
        on
            computed.pass_id = unissued.pass_id
            and computed.billing_account_id = unissued.billing_account_id

),

united as (

    select * from frozen
    union all
    select * from computed

),

documents as (

    select
        document_id,
        document_number
    from {{ ref('stg_ledger__documents') }}

)

select
    united.invoice_id,
    documents.document_number as invoice_number,
    united.billing_status,
    united.pass_id,
    united.bill_run_id,
    united.billing_account_id,
    united.customer_id,
    united.legal_entity_id,
    united.bill_cycle_id,
    united.currency_code,
    united.language,
    united.time_zone,
    united.delivery_channel,
    united.sales_region,
    united.buyer_type,
    united.buyer_name,
    united.buyer_email,
    united.buyer_street,
    united.buyer_postal_code,
    united.buyer_city,
    united.buyer_country_code,
    united.buyer_vat_number,
    united.seller_name,
    united.seller_email,
    united.seller_street,
    united.seller_postal_code,
    united.seller_city,
    united.seller_country_code,
    united.seller_vat_number,
    united.seller_register_entry,
    united.seller_iban,
    united.seller_bic,
    united.seller_bank_name,
    united.line_count,
    united.usage_amount,
    united.net_amount,
    united.tax_amount,
    united.total_amount,
    united.tax_currency_code,
    united.tax_exchange_rate,
    united.tax_currency_tax_amount,
    united.bill_date,
    united.issue_date,
    united.due_date,
    united.period_start,
    united.period_end
from united
left join documents on united.invoice_id = documents.document_id
