{{
    config(
        materialized='incremental',
        incremental_strategy='replace_runs',
        on_schema_change='fail'
    )
}}

with

charges as (

    select
        charges_priced.pass_id,
        charges_priced.charge_id,
        charges_priced.billing_account_id,
        charges_priced.subscription_id,
        charges_priced.plan_id,
        charges_priced.charge_type,
        charges_priced.charge_code,
        charges_priced.aligned_period_start,
        case
            when charges_priced.period_end > charges_priced.period_start
                then {{ add_days('charges_priced.period_end', -1) }}
            else charges_priced.period_start
        end as last_day
    from {{ ref('int_charges__priced') }} as charges_priced
    inner join {{ ref('int_passes__in_scope') }} as passes
        on charges_priced.pass_id = passes.pass_id

),

stays as (

    select
        subscription_id,
        plan_id,
        effective_from,
        effective_to
    from {{ ref('int_subscription_plans__effective') }}

),

rules as (

    select
        'promotion' as rule_type,
        promotion_id as rule_id,
        plan_id,
        billing_account_id,
        charge_type,
        charge_code
    from {{ ref('promotions') }}
    union all
    select
        'cap' as rule_type,
        charge_cap_id as rule_id,
        plan_id,
        billing_account_id,
        charge_type,
        charge_code
    from {{ ref('charge_caps') }}
    union all
    select
        'minimum' as rule_type,
        commitment_id as rule_id,
        plan_id,
        billing_account_id,
        charge_type,
        charge_code
    from {{ ref('commitments') }}
    union all
    select
        'fee' as rule_type,
        fee_id as rule_id,
        plan_id,
        billing_account_id,
        charge_type,
        charge_code
    from {{ ref('fees') }}

),

-- A recurring charge is named by the plan it is for; usage and what is charged once by every plan
-- and option held on its last day; and all by `*`.
named as (

    select
        pass_id,
        charge_id,
        billing_account_id,
        charge_type,
        charge_code,
        aligned_period_start,
        last_day,
        '*' as plan_id
    from charges
    union all
    select
        pass_id,
        charge_id,
        billing_account_id,
        charge_type,
        charge_code,
        aligned_period_start,
        last_day,
        plan_id
    from charges
    where charge_type = 'recurring'
    union all
    select distinct
        charges.pass_id,
        charges.charge_id,
        charges.billing_account_id,
        charges.charge_type,
        charges.charge_code,
        charges.aligned_period_start,
        charges.last_day,
        stays.plan_id
    from charges
    inner join stays
        on
            charges.subscription_id = stays.subscription_id
            and charges.last_day >= stays.effective_from
            and charges.last_day < stays.effective_to
    where charges.charge_type <> 'recurring'

),

matched as (

    select
        named.pass_id,
        named.charge_id,
        rules.rule_type,
        rules.rule_id,
        named.aligned_period_start,
        named.last_day
    from named
    inner join rules
        on
            named.plan_id = rules.plan_id
            and (rules.charge_type = named.charge_type or rules.charge_type = '*')
            and (rules.charge_code = named.charge_code or rules.charge_code = '*')
            and (
                rules.billing_account_id = named.billing_account_id
                or rules.billing_account_id = '*'
            )

)

select * from matched
