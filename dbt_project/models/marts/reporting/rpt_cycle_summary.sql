with

lines as (

    select
        invoice_id,
        pass_id,
        billing_account_id,
        subscription_id,
        charge_type,
        charge_code,
        billing_status,
        currency_code,
        event_count,
        net_amount
    from {{ ref('fct_invoice_lines') }}

),

passes as (

    select
        pass_id,
        bill_run_id,
        legal_entity_id,
        bill_date
    from {{ ref('fct_bill_runs') }}

),

subscriptions as (

    select
        subscription_id,
        plan_id
    from {{ ref('dim_subscriptions') }}

),

accounts as (

    select
        billing_account_id,
        sales_region
    from {{ ref('dim_billing_accounts') }}

),

charge_codes as (

    select
        charge_code,
        label_en,
        display_order
    from {{ ref('charge_codes') }}

),

summed as (

    select
        passes.bill_run_id,
        passes.legal_entity_id,
        passes.bill_date,
        lines.billing_status,
        lines.charge_type,
        lines.charge_code,
        charge_codes.label_en as charge_label,
        coalesce(subscriptions.plan_id, 'none') as plan_id,
        coalesce(accounts.sales_region, 'none') as sales_region,
        lines.currency_code,
        charge_codes.display_order,
        cast(count(*) as bigint) as line_count,
        cast(sum(coalesce(lines.event_count, 0)) as bigint) as event_count,
        cast(sum(lines.net_amount) as decimal(18, 4)) as net_amount
    from lines
    inner join passes on lines.pass_id = passes.pass_id
    inner join charge_codes on lines.charge_code = charge_codes.charge_code
    left join subscriptions on lines.subscription_id = subscriptions.subscription_id
    left join accounts on lines.billing_account_id = accounts.billing_account_id
    group by
        passes.bill_run_id,
        passes.legal_entity_id,
        passes.bill_date,
        lines.billing_status,
        lines.charge_type,
        lines.charge_code,
        charge_codes.label_en,
        coalesce(subscriptions.plan_id, 'none'),
        coalesce(accounts.sales_region, 'none'),
        lines.currency_code,
        charge_codes.display_order

)

select
    concat_ws('/', bill_run_id, billing_status, charge_code, plan_id, sales_region, currency_code)
        as summary_id,
    bill_run_id,
    legal_entity_id,
    bill_date,
    billing_status,
    charge_type,
    charge_code,
    charge_label,
    plan_id,
    sales_region,
    currency_code,
    cast(display_order as bigint) as display_order,
    line_count,
    event_count,
    net_amount
from summed
