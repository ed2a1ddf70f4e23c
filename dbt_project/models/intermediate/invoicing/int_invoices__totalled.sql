{{
    config(
        materialized='incremental',
        incremental_strategy='replace_runs',
        on_schema_change='fail'
    )
}}

-- depends_on: {{ ref('int_passes__in_scope') }} (read by replace_runs)

with

accounts as (

    select * from {{ ref('int_accounts__in_scope') }}

),

lines as (

    select
        pass_id,
        payer_account_id as billing_account_id,
        invoice_id,
        cast(sum(case when charge_type = 'usage' then net_amount else 0 end) as decimal(18, 4))
            as usage_amount,
        cast(sum(net_amount) as decimal(18, 4)) as net_amount,
        cast(count(*) as bigint) as line_count
    from {{ ref('int_invoice_lines__rounded') }}
    group by pass_id, payer_account_id, invoice_id

),

taxes as (

    select
        invoice_id,
        cast(sum(tax_amount) as decimal(18, 4)) as tax_amount
    from {{ ref('int_invoice_taxes__computed') }}
    group by invoice_id

),

customers as (

    select * from {{ ref('int_customers__in_scope') }}

),

legal_entities as (

    select
        *,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_before
    from {{ ref('legal_entities') }}

),

exchange_rates as (

    select * from {{ ref('int_exchange_rates__in_force') }}

),

currencies as (

    select
        currency_code,
        minor_units
    from {{ ref('currencies') }}

),

-- Name, address and bank account are copied onto the invoice: rendering looks nothing up.
totalled as (

    select
        lines.invoice_id,
        accounts.pass_id,
        accounts.bill_run_id,
        accounts.billing_account_id,
        accounts.customer_id,
        accounts.legal_entity_id,
        accounts.bill_cycle_id,
        accounts.currency_code,
        accounts.language,
        accounts.time_zone,
        accounts.delivery_channel,
        accounts.sales_region,
        customers.customer_type as buyer_type,
        customers.customer_name as buyer_name,
        customers.email as buyer_email,
        customers.street as buyer_street,
        customers.postal_code as buyer_postal_code,
        customers.city as buyer_city,
        customers.country_code as buyer_country_code,
        customers.vat_number as buyer_vat_number,
        legal_entities.legal_name as seller_name,
        legal_entities.email as seller_email,
        legal_entities.street as seller_street,
        legal_entities.postal_code as seller_postal_code,
        legal_entities.city as seller_city,
        legal_entities.country_code as seller_country_code,
        legal_entities.vat_number as seller_vat_number,
        legal_entities.register_entry as seller_register_entry,
        legal_entities.iban as seller_iban,
        legal_entities.bic as seller_bic,
        legal_entities.bank_name as seller_bank_name,
        lines.line_count,
        lines.usage_amount,
        lines.net_amount,
        coalesce(taxes.tax_amount, cast(0 as decimal(18, 4))) as tax_amount,
        cast(lines.net_amount + coalesce(taxes.tax_amount, 0) as decimal(18, 4)) as total_amount,
        case
            when legal_entities.currency_code <> accounts.currency_code
                then legal_entities.currency_code
        end as tax_currency_code,
        case
            when legal_entities.currency_code <> accounts.currency_code
                then exchange_rates.exchange_rate
        end as tax_exchange_rate,
        case
            when legal_entities.currency_code <> accounts.currency_code
                then {{ round_money(
                    exchanged(
                        'coalesce(taxes.tax_amount, 0)', 'exchange_rates.exchange_rate'
                    ),
                    'currencies.minor_units'
                ) }}
        end as tax_currency_tax_amount,
        accounts.bill_date,
        accounts.issue_date,
        cast(
            {{ add_seconds(
                'cast(accounts.issue_date as timestamp)', 'accounts.payment_term_days * 86400'
            ) }}
            as date
        ) as due_date,
        accounts.period_start,
        accounts.period_end
    from accounts
    inner join lines
        on
            accounts.pass_id = lines.pass_id
            and accounts.billing_account_id = lines.billing_account_id
    left join taxes on lines.invoice_id = taxes.invoice_id
    left join customers
        on accounts.pass_id = customers.pass_id and accounts.customer_id = customers.customer_id
    left join legal_entities
        on
            accounts.legal_entity_id = legal_entities.legal_entity_id
            and accounts.issue_date >= legal_entities.valid_from
            and accounts.issue_date < legal_entities.valid_before
    left join exchange_rates
        on
            accounts.pass_id = exchange_rates.pass_id
            and accounts.currency_code = exchange_rates.from_currency_code
            and legal_entities.currency_code = exchange_rates.to_currency_code
    left join currencies on legal_entities.currency_code = currencies.currency_code

)

select * from totalled
