with

payments as (

    select * from {{ ref('stg_landing__payments') }}

),

documents as (

    select
        document_id,
        document_number,
        billing_account_id,
        currency_code
    from {{ ref('stg_ledger__documents') }}

)

select
    payments.payment_id,
    payments.invoice_number,
    documents.document_id as invoice_id,
    documents.billing_account_id,
    case
        when documents.document_id is null then 'unknown_invoice'
        when documents.currency_code <> payments.currency_code then 'other_currency'
        else 'matched'
    end as match_status,
    payments.currency_code,
    payments.amount as payment_amount,
    payments.paid_date
from payments
left join documents on payments.invoice_number = documents.document_number
