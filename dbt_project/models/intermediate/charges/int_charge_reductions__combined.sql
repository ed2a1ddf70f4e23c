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

discounts as (

    select
        pass_id,
        reduced_charge_id,
        billing_account_id,
        line_subscription_id as subscription_id,
        line_charge_id,
        'promotion' as rule_type,
        promotion_id as rule_id,
        'discount' as charge_code,
        currency_code,
        tax_category,
        cast(base_amount as decimal(18, 6)) as base_amount,
        amount,
        rounded_amount,
        aligned_period_start,
        period_start,
        period_end
    from {{ ref('int_charges__discounts') }}

),

-- A cap over a subscription cuts that subscription's lines; over an account too.
caps as (

    select
        pass_id,
        reduced_charge_id,
        billing_account_id,
        subscription_id,
        cast(null as string) as line_charge_id,
        'cap' as rule_type,
        charge_cap_id as rule_id,
        'cap' as charge_code,
        currency_code,
        tax_category,
        cast(base_amount as decimal(18, 6)) as base_amount,
        cast(amount as decimal(18, 6)) as amount,
        amount as rounded_amount,
        aligned_period_start,
        period_start,
        period_end
    from {{ ref('int_charges__caps') }}
    where amount <> 0

),

coupons as (

    select
        pass_id,
        reduced_charge_id,
        billing_account_id,
        cast(null as string) as subscription_id,
        cast(null as string) as line_charge_id,
        'coupon' as rule_type,
        redemption_id as rule_id,
        'coupon' as charge_code,
        currency_code,
        tax_category,
        cast(base_amount as decimal(18, 6)) as base_amount,
        cast(amount as decimal(18, 6)) as amount,
        amount as rounded_amount,
        aligned_period_start,
        period_start,
        period_end
    from {{ ref('int_charges__coupons') }}

),

united as (

    select * from discounts
    union all
    select * from caps
    union all
    select * from coupons

),

accounts as (

    select
        pass_id,
        billing_account_id,
        issue_date
    from {{ ref('int_accounts__in_scope') }}

),

-- A reduction is taxed like what it reduces; a minimum made up for, on the pass's tax point.
tax_points as (

    select
        charge_id,
        tax_point_date
    from {{ ref('int_charges__priced') }}

),

dated as (

    select
        united.*,
        nullif(tax_points.tax_point_date, accounts.issue_date) as corrected_tax_point_date,
        coalesce(tax_points.tax_point_date, accounts.issue_date) as tax_point_date
    from united
    inner join accounts
        on
            united.pass_id = accounts.pass_id
            and united.billing_account_id = accounts.billing_account_id
    left join tax_points on united.reduced_charge_id = tax_points.charge_id

),

-- The charge that a reduction stands in: one per rule, subscription, tax category, tax
-- point and period; a coupon's belongs to the account, a discount's where its promotion says.
combined as (

    select
        concat_ws(
            '/', dated.pass_id, dated.billing_account_id, dated.subscription_id,
            dated.charge_code, dated.rule_id, dated.tax_category,
            cast(dated.period_start as string), cast(dated.period_end as string),
            cast(dated.corrected_tax_point_date as string), dated.line_charge_id
        ) as charge_id,
        dated.reduced_charge_id,
        dated.pass_id,
        dated.billing_account_id,
        dated.subscription_id,
        dated.rule_type,
        dated.rule_id,
        dated.currency_code,
        dated.tax_category,
        dated.base_amount,
        dated.amount,
        dated.rounded_amount,
        dated.tax_point_date,
        dated.aligned_period_start,
        dated.period_start,
        dated.period_end
    from dated
    inner join passes on dated.pass_id = passes.pass_id

)

select * from combined
