with

frozen as (

    select
        invoice_line_id,
        invoice_id,
        pass_id,
        billing_account_id,
        subscription_id,
        subscription_identifier,
        subscription_plan_name,
        plan_id,
        charge_type,
        charge_code,
        source_id,
        description_en,
        description_de,
        unit,
        currency_code,
        tax_category,
        line_number,
        event_count,
        quantity,
        free_quantity,
        net_amount,
        tax_rate,
        tax_point_date,
        period_start,
        period_end,
        'issued' as billing_status
    from {{ ref('stg_issued__invoice_lines') }}

),

unissued as (

    select * from {{ ref('int_accounts__unissued') }}

),

computed as (

    select
        computed.invoice_line_id,
        computed.invoice_id,
        computed.pass_id,
        computed.billing_account_id,
        computed.subscription_id,
        computed.subscription_identifier,
        computed.subscription_plan_name,
        computed.plan_id,
        computed.charge_type,
        computed.charge_code,
        computed.source_id,
        computed.description_en,
        computed.description_de,
        computed.unit,
        computed.currency_code,
        computed.tax_category,
        computed.line_number,
        computed.event_count,
        computed.quantity,
        computed.free_quantity,
        computed.net_amount,
        computed.tax_rate,
        computed.tax_point_date,
        computed.period_start,
        computed.period_end,
        unissued.billing_status
    from {{ ref('int_invoice_lines__rounded') }} as computed
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

-- A line is the charge of its id; the one it corrects stands on an invoice that was issued.
corrections as (

    select
        charges.charge_id as invoice_line_id,
        documents.document_number as corrected_invoice_number
    from {{ ref('fct_charges') }} as charges
    inner join {{ ref('stg_issued__invoice_lines') }} as corrected_lines
        on charges.corrected_charge_id = corrected_lines.invoice_line_id
    inner join {{ ref('stg_ledger__documents') }} as documents
        on corrected_lines.invoice_id = documents.document_id
    where charges.corrected_charge_id is not null

)

select
    united.invoice_line_id,
    united.invoice_id,
    united.line_number,
    united.billing_status,
    united.pass_id,
    united.billing_account_id,
    united.subscription_id,
    united.subscription_identifier,
    united.subscription_plan_name,
    united.plan_id,
    united.charge_type,
    united.charge_code,
    united.source_id,
    united.description_en,
    united.description_de,
    united.unit,
    united.currency_code,
    united.tax_category,
    united.event_count,
    united.quantity,
    united.free_quantity,
    united.net_amount,
    united.tax_rate,
    united.tax_point_date,
    united.period_start,
    united.period_end,
    corrections.corrected_invoice_number
from united
left join corrections on united.invoice_line_id = corrections.invoice_line_id
