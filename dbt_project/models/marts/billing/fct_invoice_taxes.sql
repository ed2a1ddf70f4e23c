with

frozen as (

    select
        invoice_tax_id,
        invoice_id,
        pass_id,
        billing_account_id,
        tax_jurisdiction,
        tax_type,
        tax_category,
        einvoice_category,
        tax_rate_id,
        exemption_reason,
        currency_code,
        tax_rate,
        net_amount,
        taxable_amount,
        tax_amount,
        tax_point_date,
        'issued' as billing_status
    from {{ ref('stg_issued__invoice_taxes') }}

),

unissued as (

    select * from {{ ref('int_accounts__unissued') }}

),

computed as (

    select
        computed.invoice_tax_id,
        computed.invoice_id,
        computed.pass_id,
        computed.billing_account_id,
        computed.tax_jurisdiction,
        computed.tax_type,
        computed.tax_category,
        computed.einvoice_category,
        computed.tax_rate_id,
        computed.exemption_reason,
        computed.currency_code,
        computed.tax_rate,
        computed.net_amount,
        computed.taxable_amount,
        computed.tax_amount,
        computed.tax_point_date,
        unissued.billing_status
    from {{ ref('int_invoice_taxes__computed') }} as computed
    inner join unissued
        on
            computed.pass_id = unissued.pass_id
            and computed.billing_account_id = unissued.billing_account_id

),

united as (

    select * from frozen
    union all
    select * from computed

)

select
    invoice_tax_id,
    invoice_id,
    billing_status,
    pass_id,
    billing_account_id,
    tax_jurisdiction,
    tax_type,
    tax_category,
    einvoice_category,
    tax_rate_id,
    exemption_reason,
    currency_code,
    tax_rate,
    net_amount,
    taxable_amount,
    tax_amount,
    tax_point_date
from united
