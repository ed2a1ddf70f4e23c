{{
    config(
        materialized='incremental',
        incremental_strategy='replace_runs',
        on_schema_change='fail'
    )
}}

with

passes as (

    select pass_id from {{ ref('int_passes__in_scope') }}

),

charges as (

    select * from {{ ref('int_charges__combined') }}

),

-- Copied onto the line: a document names the subscription as it was called when it was issued.
subscriptions as (

    select
        subscription_id,
        identifier,
        plan_name
    from {{ ref('int_subscriptions__described') }}

),

currencies as (

    select
        currency_code,
        minor_units
    from {{ ref('currencies') }}

),

-- D-004: the one place where a charge is rounded to the currency's minor unit.
rounded as (

    select
        charges.charge_id as invoice_line_id,
        concat_ws('/', charges.pass_id, charges.billing_account_id) as invoice_id,
        charges.pass_id,
        charges.billing_account_id,
        charges.subscription_id,
        subscriptions.identifier as subscription_identifier,
        subscriptions.plan_name as subscription_plan_name,
        charges.plan_id,
        charges.charge_type,
        charges.charge_code,
        charges.source_id,
        charges.description_en,
        charges.description_de,
        charges.unit,
        charges.currency_code,
        charges.tax_category,
        row_number() over (
            partition by charges.pass_id, charges.billing_account_id
            order by
                charges.subscription_id, charges.display_order, charges.period_start,
                charges.charge_id
        ) as line_number,
        charges.event_count,
        charges.quantity,
        charges.free_quantity,
        {{ round_money('charges.amount', 'currencies.minor_units') }} as net_amount,
        charges.period_start,
        charges.period_end
    from charges
    inner join passes on charges.pass_id = passes.pass_id
    inner join currencies on charges.currency_code = currencies.currency_code
    left join subscriptions on charges.subscription_id = subscriptions.subscription_id

)

select * from rounded
