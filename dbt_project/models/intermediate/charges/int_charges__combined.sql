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

plans as (

    select
        plan_id,
        plan_name
    from {{ ref('plans') }}
    qualify row_number() over (partition by plan_id order by valid_from desc) = 1

),

promotions as (

    select
        promotion_id,
        description_en,
        description_de
    from {{ ref('promotions') }}

),

charge_codes as (

    select * from {{ ref('charge_codes') }}

),

recurring as (

    select
        recurring_charges.pass_id,
        recurring_charges.billing_account_id,
        recurring_charges.subscription_id,
        recurring_charges.plan_id,
        recurring_charges.charge_code,
        recurring_charges.recurring_charge_id as source_id,
        plans.plan_name as description_en,
        plans.plan_name as description_de,
        recurring_charges.currency_code,
        recurring_charges.tax_category,
        cast(null as bigint) as event_count,
        recurring_charges.charged_days as quantity,
        cast(null as bigint) as free_quantity,
        recurring_charges.amount,
        recurring_charges.period_start,
        recurring_charges.period_end,
        recurring_charges.charged_through_date
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
        cast(null as string) as description_en,
        cast(null as string) as description_de,
        currency_code,
        tax_category,
        event_count,
        quantity,
        free_quantity,
        amount,
        period_start,
        period_end,
        cast(null as date) as charged_through_date
    from {{ ref('int_charges__usage') }}

),

one_off as (

    select
        pass_id,
        billing_account_id,
        subscription_id,
        cast(null as string) as plan_id,
        'one_off' as charge_code,
        one_off_charge_id as source_id,
        description as description_en,
        description as description_de,
        currency_code,
        tax_category,
        cast(null as bigint) as event_count,
        cast(1 as bigint) as quantity,
        cast(null as bigint) as free_quantity,
        amount,
        charged_date as period_start,
        charged_date as period_end,
        cast(null as date) as charged_through_date
    from {{ ref('int_charges__one_off') }}

),

discounts as (

    select
        promoted.pass_id,
        promoted.billing_account_id,
        promoted.subscription_id,
        promoted.plan_id,
        'discount' as charge_code,
        promoted.promotion_id as source_id,
        promotions.description_en,
        promotions.description_de,
        promoted.currency_code,
        promoted.tax_category,
        cast(null as bigint) as event_count,
        cast(1 as bigint) as quantity,
        cast(null as bigint) as free_quantity,
        promoted.amount,
        promoted.period_start,
        promoted.period_end,
        cast(null as date) as charged_through_date
    from {{ ref('int_charges__discounts') }} as promoted
    left join promotions on promoted.promotion_id = promotions.promotion_id

),

united as (

    select * from recurring
    union all
    select * from usage_charges
    union all
    select * from one_off
    union all
    select * from discounts

),

combined as (

    select
        concat_ws(
            '/', united.pass_id, united.billing_account_id, united.subscription_id,
            united.charge_code,
            united.source_id, united.tax_category, cast(united.period_start as string),
            cast(united.period_end as string)
        ) as charge_id,
        united.pass_id,
        united.billing_account_id,
        united.subscription_id,
        united.plan_id,
        charge_codes.charge_type,
        united.charge_code,
        united.source_id,
        coalesce(united.description_en, charge_codes.label_en) as description_en,
        coalesce(united.description_de, charge_codes.label_de) as description_de,
        charge_codes.unit,
        united.currency_code,
        united.tax_category,
        united.event_count,
        case charge_codes.unit when 'events' then united.event_count else united.quantity end
            as quantity,
        united.free_quantity,
        charge_codes.display_order,
        united.amount,
        united.period_start,
        united.period_end,
        united.charged_through_date
    from united
    inner join passes on united.pass_id = passes.pass_id
    inner join charge_codes on united.charge_code = charge_codes.charge_code

)

select * from combined
