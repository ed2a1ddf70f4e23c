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
        tax_jurisdiction,
        currency_code,
        issue_date
    from {{ ref('int_accounts__in_scope') }}

),

charges as (

    select
        pass_id,
        charge_id,
        billing_account_id,
        subscription_id,
        minor_units,
        left_amount,
        aligned_period_start,
        period_start,
        period_end
    from {{ ref('int_charges__capped') }}

),

coupons as (

    select
        reduced_charge_id,
        cast(sum(amount) as decimal(18, 4)) as amount
    from {{ ref('int_charges__coupons') }}
    group by reduced_charge_id

),

matched as (

    select * from {{ ref('int_charge_rules__matched') }}
    where rule_type = 'fee'

),

fees as (

    select
        fee_id,
        description_en,
        description_de,
        tax_jurisdiction,
        basis,
        fee_amount,
        fee_percent,
        currency_code,
        tax_category,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('fees') }}

),

jurisdictions as (

    select * from {{ ref('int_tax_jurisdictions__levying') }}

),

exchange_rates as (

    select * from {{ ref('int_exchange_rates__in_force') }}

),

used as (

    select * from {{ ref('int_charge_rules__used') }}
    where rule_type = 'fee'

),

-- On what is left after all reductions, in the account's place and its parents.
charged as (

    select
        charges.pass_id,
        charges.billing_account_id,
        charges.subscription_id,
        fees.fee_id,
        charges.minor_units,
        cast(sum(charges.left_amount + coalesce(coupons.amount, 0)) as decimal(18, 4))
            as base_amount,
        charges.aligned_period_start,
        min(charges.period_start) as period_start,
        max(charges.period_end) as period_end
    from matched
    inner join charges
        on matched.pass_id = charges.pass_id and matched.charge_id = charges.charge_id
    inner join fees on matched.rule_id = fees.fee_id
    inner join accounts
        on
            charges.pass_id = accounts.pass_id
            and charges.billing_account_id = accounts.billing_account_id
            and accounts.issue_date >= fees.valid_from
            and accounts.issue_date < fees.valid_to
    left join jurisdictions
        on
            accounts.tax_jurisdiction = jurisdictions.tax_jurisdiction
            and fees.tax_jurisdiction = jurisdictions.levying_jurisdiction
    left join coupons on charges.charge_id = coupons.reduced_charge_id
    where
        fees.tax_jurisdiction in ('*', accounts.tax_jurisdiction)
        or jurisdictions.tax_jurisdiction is not null
    group by
        charges.pass_id,
        charges.billing_account_id,
        charges.subscription_id,
        fees.fee_id,
        charges.minor_units,
        charges.aligned_period_start

),

-- A fee per subscription is charged once for an aligned period, and not for what is given back.
priced as (

    select
        charged.pass_id,
        concat_ws(
            '/', charged.pass_id, charged.billing_account_id, charged.subscription_id, 'fee',
            charged.fee_id, fees.tax_category, cast(charged.period_start as string),
            cast(charged.period_end as string)
        ) as charge_id,
        charged.billing_account_id,
        charged.subscription_id,
        charged.fee_id,
        fees.description_en,
        fees.description_de,
        accounts.currency_code,
        fees.tax_category,
        charged.minor_units,
        charged.base_amount,
        case
            when fees.basis = 'percentage'
                then {{ share_of('charged.base_amount', 'fees.fee_percent', 100) }}
            when charged.base_amount > 0 and coalesce(used.taken_amount, 0) = 0
                then {{ exchanged('fees.fee_amount', 'exchange_rates.exchange_rate') }}
            else cast(0 as decimal(18, 6))
        end as amount,
        accounts.issue_date as tax_point_date,
        charged.aligned_period_start,
        charged.period_start,
        charged.period_end
    from charged
    inner join fees on charged.fee_id = fees.fee_id
    inner join accounts
        on
            charged.pass_id = accounts.pass_id
            and charged.billing_account_id = accounts.billing_account_id
    inner join exchange_rates
        on
            charged.pass_id = exchange_rates.pass_id
            and fees.currency_code = exchange_rates.from_currency_code
            and accounts.currency_code = exchange_rates.to_currency_code
    left join used
        on
            charged.fee_id = used.rule_id
            and charged.subscription_id = used.holder_id
            and charged.aligned_period_start = used.aligned_period_start

)

select * from priced
where amount <> 0
