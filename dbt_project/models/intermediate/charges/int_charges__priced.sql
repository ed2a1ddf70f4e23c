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

    select
        pass_id,
        billing_account_id,
        legal_entity_id,
        bill_cycle_id,
        currency_code,
        issue_date
    from {{ ref('int_accounts__in_scope') }}

),

plans as (

    select
        plan_id,
        plan_name
    from {{ ref('plans') }}
    qualify row_number() over (partition by plan_id order by valid_from desc) = 1

),

charge_codes as (

    select * from {{ ref('charge_codes') }}

),

exchange_rates as (

    select * from {{ ref('int_exchange_rates__in_force') }}

),

recurring as (

    select
        recurring_charges.pass_id,
        recurring_charges.billing_account_id,
        recurring_charges.subscription_id,
        recurring_charges.plan_id,
        recurring_charges.charge_code,
        recurring_charges.recurring_charge_id as source_id,
        plans.plan_name as description,
        recurring_charges.currency_code,
        recurring_charges.tax_category,
        cast(null as bigint) as event_count,
        recurring_charges.charged_days as quantity,
        cast(null as bigint) as free_quantity,
        recurring_charges.amount,
        recurring_charges.aligned_period_start,
        recurring_charges.period_start,
        recurring_charges.period_end,
        recurring_charges.charged_through_date,
        recurring_charges.corrected_charge_id,
        recurring_charges.proration,
        recurring_charges.price_id,
        recurring_charges.price_amount,
        recurring_charges.charged_units,
        recurring_charges.period_units,
        recurring_charges.charged_from_local,
        recurring_charges.charged_to_local
    from {{ ref('int_charges__recurring') }} as recurring_charges
    left join plans on recurring_charges.plan_id = plans.plan_id

),

usage_charges as (

    select
        pass_id,
        billing_account_id,
        subscription_id,
        cast(null as string) as plan_id,
        charge_code,
        charge_code as source_id,
        cast(null as string) as description,
        currency_code,
        tax_category,
        event_count,
        quantity,
        free_quantity,
        amount,
        period_start as aligned_period_start,
        period_start,
        period_end,
        cast(null as date) as charged_through_date,
        cast(null as string) as corrected_charge_id,
        cast(null as string) as proration,
        cast(null as string) as price_id,
        cast(null as decimal(18, 6)) as price_amount,
        cast(null as bigint) as charged_units,
        cast(null as bigint) as period_units,
        cast(null as timestamp) as charged_from_local,
        cast(null as timestamp) as charged_to_local
    from {{ ref('int_charges__usage') }}

),

periods as (

    select * from {{ ref('int_bill_periods__aligned') }}

),

one_off as (

    select
        one_off_charges.pass_id,
        one_off_charges.billing_account_id,
        one_off_charges.subscription_id,
        cast(null as string) as plan_id,
        one_off_charges.charge_code,
        one_off_charges.one_off_charge_id as source_id,
        one_off_charges.description,
        one_off_charges.currency_code,
        one_off_charges.tax_category,
        cast(null as bigint) as event_count,
        cast(1 as bigint) as quantity,
        cast(null as bigint) as free_quantity,
        one_off_charges.amount,
        coalesce(periods.period_start, one_off_charges.charged_date) as aligned_period_start,
        one_off_charges.charged_date as period_start,
        one_off_charges.charged_date as period_end,
        cast(null as date) as charged_through_date,
        one_off_charges.corrected_charge_id,
        cast(null as string) as proration,
        cast(null as string) as price_id,
        cast(null as decimal(18, 6)) as price_amount,
        cast(null as bigint) as charged_units,
        cast(null as bigint) as period_units,
        cast(null as timestamp) as charged_from_local,
        cast(null as timestamp) as charged_to_local
    from {{ ref('int_charges__one_off') }} as one_off_charges
    inner join accounts
        on
            one_off_charges.pass_id = accounts.pass_id
            and one_off_charges.billing_account_id = accounts.billing_account_id
    left join periods
        on
            accounts.legal_entity_id = periods.legal_entity_id
            and accounts.bill_cycle_id = periods.bill_cycle_id
            and one_off_charges.charged_date >= periods.period_start
            and one_off_charges.charged_date < periods.period_end

),

united as (

    select * from recurring
    union all
    select * from usage_charges
    union all
    select * from one_off

),

-- D-077: what is given back is taxed like the charge that it gives back.
originals as (

    select
        charge_id,
        tax_point_date
    from {{ ref('stg_issued__charges') }}

),

-- In the account's currency. Without a rate the account is held (foreign_currency).
priced as (

    select
        concat_ws(
            '/', united.pass_id, united.billing_account_id, united.subscription_id,
            united.charge_code,
            united.source_id, united.tax_category, cast(united.period_start as string),
            cast(united.period_end as string),
            -- Two parts of one day are two charges.
            case
                when united.proration = 'seconds' then cast(united.charged_from_local as string)
            end
        ) as charge_id,
        united.pass_id,
        united.billing_account_id,
        united.subscription_id,
        united.plan_id,
        charge_codes.charge_type,
        united.charge_code,
        united.source_id,
        coalesce(united.description, charge_codes.label_en) as description_en,
        coalesce(united.description, charge_codes.label_de) as description_de,
        charge_codes.unit,
        accounts.currency_code,
        united.tax_category,
        united.currency_code as priced_currency_code,
        exchange_rates.exchange_rate_id,
        united.event_count,
        case charge_codes.unit when 'events' then united.event_count else united.quantity end
            as quantity,
        united.free_quantity,
        charge_codes.display_order,
        united.amount as priced_amount,
        exchange_rates.exchange_rate,
        case
            when united.currency_code = accounts.currency_code then united.amount
            when exchange_rates.exchange_rate is null then cast(0 as decimal(18, 6))
            else {{ exchanged('united.amount', 'exchange_rates.exchange_rate') }}
        end as amount,
        coalesce(originals.tax_point_date, accounts.issue_date) as tax_point_date,
        united.aligned_period_start,
        united.period_start,
        united.period_end,
        united.charged_through_date,
        united.corrected_charge_id,
        united.proration,
        united.price_id,
        united.price_amount,
        united.charged_units,
        united.period_units,
        united.charged_from_local,
        united.charged_to_local
    from united
    inner join accounts
        on
            united.pass_id = accounts.pass_id
            and united.billing_account_id = accounts.billing_account_id
    inner join charge_codes on united.charge_code = charge_codes.charge_code
    left join originals on united.corrected_charge_id = originals.charge_id
    left join exchange_rates
        on
            united.pass_id = exchange_rates.pass_id
            and united.currency_code = exchange_rates.from_currency_code
            and accounts.currency_code = exchange_rates.to_currency_code

)

select * from priced
