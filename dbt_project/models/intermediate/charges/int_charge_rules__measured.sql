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

accounts as (

    select
        pass_id,
        billing_account_id,
        payer_account_id
    from {{ ref('int_accounts__in_scope') }}

),

matched as (

    select * from {{ ref('int_charge_rules__matched') }}

),

-- Only what the next pass asks for: a threshold or a limit within the period.
promotions as (

    select
        promotion_id,
        measured_over,
        computed_on
    from {{ ref('promotions') }}
    where minimum_amount > 0 or maximum_amount is not null

),

commitments as (

    select
        commitment_id,
        measured_over
    from {{ ref('commitments') }}

),

priced as (

    select
        charge_id,
        billing_account_id,
        subscription_id,
        currency_code,
        amount
    from {{ ref('int_charges__priced') }}

),

currencies as (

    select
        currency_code,
        minor_units
    from {{ ref('currencies') }}

),

capped as (

    select
        charge_id,
        billing_account_id,
        subscription_id,
        currency_code,
        left_amount
    from {{ ref('int_charges__capped') }}

),

discounts as (

    select
        reduced_charge_id,
        promotion_id,
        amount
    from {{ ref('int_charges__discounts') }}

),

of_promotions as (

    select
        matched.pass_id,
        priced.billing_account_id,
        matched.rule_type,
        matched.rule_id,
        case promotions.measured_over
            when 'subscription' then priced.subscription_id
            when 'group' then accounts.payer_account_id
            else priced.billing_account_id
        end as holder_id,
        priced.currency_code,
        {{ discount_base('priced.amount', 'promotions.computed_on', 'currencies.minor_units') }}
            as measured_amount,
        -coalesce(discounts.amount, 0) as taken_amount,
        matched.aligned_period_start
    from matched
    inner join promotions
        on matched.rule_type = 'promotion' and matched.rule_id = promotions.promotion_id
    inner join priced on matched.charge_id = priced.charge_id
    inner join currencies on priced.currency_code = currencies.currency_code
    inner join accounts
        on
            matched.pass_id = accounts.pass_id
            and priced.billing_account_id = accounts.billing_account_id
    left join discounts
        on
            matched.charge_id = discounts.reduced_charge_id
            and matched.rule_id = discounts.promotion_id

),

of_caps as (

    select
        pass_id,
        billing_account_id,
        'cap' as rule_type,
        charge_cap_id as rule_id,
        holder_id,
        currency_code,
        base_amount as measured_amount,
        -amount as taken_amount,
        aligned_period_start
    from {{ ref('int_charges__caps') }}

),

of_commitments as (

    select
        matched.pass_id,
        capped.billing_account_id,
        matched.rule_type,
        matched.rule_id,
        case commitments.measured_over
            when 'subscription' then capped.subscription_id
            else capped.billing_account_id
        end as holder_id,
        capped.currency_code,
        capped.left_amount as measured_amount,
        cast(0 as decimal(18, 4)) as taken_amount,
        matched.aligned_period_start
    from matched
    inner join commitments
        on matched.rule_type = 'minimum' and matched.rule_id = commitments.commitment_id
    inner join capped on matched.charge_id = capped.charge_id

),

made_up as (

    select
        pass_id,
        billing_account_id,
        'minimum' as rule_type,
        commitment_id as rule_id,
        holder_id,
        currency_code,
        cast(0 as decimal(18, 4)) as measured_amount,
        amount as taken_amount,
        aligned_period_start
    from {{ ref('int_charges__minimums') }}

),

of_coupons as (

    select
        pass_id,
        billing_account_id,
        'coupon' as rule_type,
        redemption_id as rule_id,
        billing_account_id as holder_id,
        currency_code,
        base_amount as measured_amount,
        -amount as taken_amount,
        aligned_period_start
    from {{ ref('int_charges__coupons') }}

),

of_fees as (

    select
        pass_id,
        billing_account_id,
        'fee' as rule_type,
        fee_id as rule_id,
        subscription_id as holder_id,
        currency_code,
        base_amount as measured_amount,
        amount as taken_amount,
        aligned_period_start
    from {{ ref('int_charges__fees') }}

),

united as (

    select * from of_promotions
    union all
    select * from of_caps
    union all
    select * from of_commitments
    union all
    select * from made_up
    union all
    select * from of_coupons
    union all
    select * from of_fees

),

measured as (

    select
        united.pass_id,
        united.billing_account_id,
        united.rule_type,
        united.rule_id,
        united.holder_id,
        united.currency_code,
        cast(sum(united.measured_amount) as decimal(18, 6)) as measured_amount,
        cast(sum(united.taken_amount) as decimal(18, 6)) as taken_amount,
        united.aligned_period_start
    from united
    inner join passes on united.pass_id = passes.pass_id
    group by
        united.pass_id,
        united.billing_account_id,
        united.rule_type,
        united.rule_id,
        united.holder_id,
        united.currency_code,
        united.aligned_period_start

)

select * from measured
