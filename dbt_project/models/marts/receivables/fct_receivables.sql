with

invoices as (

    select
        invoice_id,
        invoice_number,
        legal_entity_id,
        billing_account_id,
        currency_code,
        total_amount,
        issue_date,
        due_date
    from {{ ref('fct_invoices') }}
    where billing_status = 'issued'

),

paid as (

    select
        invoice_id,
        cast(sum(payment_amount) as decimal(18, 4)) as paid_amount,
        max(paid_date) as last_paid_date
    from {{ ref('fct_payments') }}
    where match_status = 'matched'
    group by invoice_id

),

receivables as (

    select
        invoices.*,
        paid.last_paid_date,
        coalesce(paid.paid_amount, cast(0 as decimal(18, 4))) as paid_amount,
        cast(invoices.total_amount - coalesce(paid.paid_amount, 0) as decimal(18, 4)) as open_amount
    from invoices
    left join paid on invoices.invoice_id = paid.invoice_id

)

select
    invoice_id,
    invoice_number,
    legal_entity_id,
    billing_account_id,
    case
        when open_amount <= 0 and paid_amount > total_amount then 'overpaid'
        when open_amount <= 0 then 'paid'
        when paid_amount > 0 then 'partly_paid'
        else 'open'
    end as payment_status,
    currency_code,
    total_amount,
    paid_amount,
    open_amount,
    issue_date,
    due_date,
    last_paid_date
from receivables
