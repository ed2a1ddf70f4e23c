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

accounts as (

    select
        pass_id,
        billing_account_id,
        payer_account_id
    from {{ ref('int_accounts__in_scope') }}

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

-- Several taxes on a line show as their sum.
taxes as (

    select
        pass_id,
        billing_account_id,
        priced_tax_category,
        tax_point_date,
        min(tax_category) as tax_category,
        cast(sum({{ share_of('base_factor', 'tax_rate', 1) }}) as decimal(9, 6)) as tax_rate
    from {{ ref('int_taxes__levied') }}
    group by pass_id, billing_account_id, priced_tax_category, tax_point_date

),

-- D-004: the one place where a charge is rounded to the currency's minor unit.
rounded as (

    select
        charges.charge_id as invoice_line_id,
        concat_ws('/', charges.pass_id, accounts.payer_account_id) as invoice_id,
        charges.pass_id,
        charges.billing_account_id,
        accounts.payer_account_id,
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
        coalesce(taxes.tax_category, charges.tax_category) as tax_category,
        charges.tax_category as priced_tax_category,
        row_number() over (
            partition by charges.pass_id, accounts.payer_account_id
            order by
                case
                    when charges.billing_account_id = accounts.payer_account_id then 0
                    else 1
                end,
                charges.billing_account_id, charges.subscription_id nulls last,
                charges.display_order, charges.period_start, charges.charge_id
        ) as line_number,
        charges.event_count,
        charges.quantity,
        charges.free_quantity,
        {{ round_money('charges.amount', 'currencies.minor_units') }} as net_amount,
        taxes.tax_rate,
        charges.tax_point_date,
        charges.period_start,
        charges.period_end
    from charges
    inner join passes on charges.pass_id = passes.pass_id
    inner join accounts
        on
            charges.pass_id = accounts.pass_id
            and charges.billing_account_id = accounts.billing_account_id
    inner join currencies on charges.currency_code = currencies.currency_code
    left join taxes
        on
            charges.pass_id = taxes.pass_id
            and charges.billing_account_id = taxes.billing_account_id
            and charges.tax_category = taxes.priced_tax_category
            and charges.tax_point_date = taxes.tax_point_date
    left join subscriptions on charges.subscription_id = subscriptions.subscription_id

)

select * from rounded
