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

)

select
    invoice_line_id,
    invoice_id,
    line_number,
    billing_status,
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
    event_count,
    quantity,
    free_quantity,
    net_amount,
    tax_rate,
    tax_point_date,
    period_start,
    period_end
from united
