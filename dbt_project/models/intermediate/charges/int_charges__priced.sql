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
        corrected_charge_id,
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

-- D-077, D-212: a correction is taxed and converted like the charge that it corrects.
originals as (

    select
        charge_id,
        currency_code,
        priced_currency_code,
        exchange_rate_id,
        exchange_rate,
        tax_point_date
    from {{ ref('stg_issued__charges') }}

),

dated as (

    select
        united.*,
        accounts.currency_code as account_currency_code,
        coalesce(originals.tax_point_date, accounts.issue_date) as tax_point_date,
        coalesce(
            united.currency_code = originals.priced_currency_code
            and accounts.currency_code = originals.currency_code,
            false
        ) as is_converted_as_original,
        originals.exchange_rate_id as original_exchange_rate_id,
        originals.exchange_rate as original_exchange_rate
    from united
    inner join accounts
        on
            united.pass_id = accounts.pass_id
            and united.billing_account_id = accounts.billing_account_id
    left join originals on united.corrected_charge_id = originals.charge_id

),

exchanged as (

    select
        dated.*,
        case
            when dated.is_converted_as_original then dated.original_exchange_rate_id
            else exchange_rates.exchange_rate_id
        end as exchange_rate_id,
        case
            when dated.is_converted_as_original then dated.original_exchange_rate
            else exchange_rates.exchange_rate
        end as exchange_rate
    from dated
    left join exchange_rates
        on
            dated.pass_id = exchange_rates.pass_id
            and dated.currency_code = exchange_rates.from_currency_code
            and dated.account_currency_code = exchange_rates.to_currency_code

),

-- In the account's currency. Without a rate the account is held (foreign_currency).
priced as (

    select
        concat_ws(
            '/', exchanged.pass_id, exchanged.billing_account_id, exchanged.subscription_id,
            exchanged.charge_code, exchanged.source_id, exchanged.tax_category,
            cast(exchanged.period_start as string), cast(exchanged.period_end as string),
            -- Two parts of one day are two charges.
            case
                when exchanged.proration = 'seconds'
                    then cast(exchanged.charged_from_local as string)
            end
        ) as charge_id,
        exchanged.pass_id,
        exchanged.billing_account_id,
        exchanged.subscription_id,
        exchanged.plan_id,
        charge_codes.charge_type,
        exchanged.charge_code,
        exchanged.source_id,
        coalesce(exchanged.description, charge_codes.label_en) as description_en,
        coalesce(exchanged.description, charge_codes.label_de) as description_de,
        charge_codes.unit,
        exchanged.account_currency_code as currency_code,
        exchanged.tax_category,
        exchanged.currency_code as priced_currency_code,
        exchanged.exchange_rate_id,
        exchanged.event_count,
        case charge_codes.unit when 'events' then exchanged.event_count else exchanged.quantity end
            as quantity,
        exchanged.free_quantity,
        charge_codes.display_order,
        exchanged.amount as priced_amount,
        exchanged.exchange_rate,
        case
            when exchanged.currency_code = exchanged.account_currency_code then exchanged.amount
            when exchanged.exchange_rate is null then cast(0 as decimal(18, 6))
            else {{ exchanged('exchanged.amount', 'exchanged.exchange_rate') }}
        end as amount,
        exchanged.tax_point_date,
        exchanged.aligned_period_start,
        exchanged.period_start,
        exchanged.period_end,
        exchanged.charged_through_date,
        exchanged.corrected_charge_id,
        exchanged.proration,
        exchanged.price_id,
        exchanged.price_amount,
        exchanged.charged_units,
        exchanged.period_units,
        exchanged.charged_from_local,
        exchanged.charged_to_local
    from exchanged
    inner join charge_codes on exchanged.charge_code = charge_codes.charge_code

)

select * from priced
