{# So many coupons reduce one invoice at most; a further one waits for the next. #}
{% set turns = 8 %}

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
        currency_code,
        landing_watermark,
        bill_date,
        period_start,
        period_end
    from {{ ref('int_accounts__in_scope') }}

),

charges as (

    select
        pass_id,
        charge_id,
        billing_account_id,
        charge_code,
        tax_category,
        minor_units,
        left_amount
    from {{ ref('int_charges__capped') }}
    union all
    select
        pass_id,
        charge_id,
        billing_account_id,
        'minimum' as charge_code,
        tax_category,
        minor_units,
        amount as left_amount
    from {{ ref('int_charges__minimums') }}

),

redemptions as (

    select
        redemption_id,
        coupon_id,
        billing_account_id,
        redeemed_date,
        coalesce(ended_date, cast('9999-12-31' as date)) as ended_date,
        landing_sequence,
        superseded_sequence
    from {{ ref('stg_landing__coupon_redemptions') }}

),

coupons as (

    select
        coupon_id,
        currency_code,
        frequency,
        discount_percent,
        discount_amount,
        case frequency when 'once' then 1 when 'recurring' then invoice_count end as invoice_count,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('coupons') }}

),

coupon_charge_codes as (

    select
        coupon_id,
        charge_code
    from {{ ref('coupon_charge_codes') }}

),

currencies as (

    select
        currency_code,
        minor_units
    from {{ ref('currencies') }}

),

exchange_rates as (

    select * from {{ ref('int_exchange_rates__in_force') }}

),

used as (

    select
        rule_id,
        cast(sum(taken_amount) as decimal(18, 6)) as taken_amount,
        cast(sum(invoice_count) as bigint) as invoice_count
    from {{ ref('int_charge_rules__used') }}
    where rule_type = 'coupon'
    group by rule_id

),

-- What is left of an amount that is taken once, however many invoices that needs.
usable as (

    select
        accounts.pass_id,
        accounts.billing_account_id,
        redemptions.redemption_id,
        redemptions.coupon_id,
        redemptions.redeemed_date,
        coupons.discount_percent,
        case
            when coupons.discount_percent is null
                then {{ round_money(
                    exchanged('coupons.discount_amount', 'exchange_rates.exchange_rate'),
                    'currencies.minor_units'
                ) }}
                    - case coupons.frequency
                        when 'once' then {{ round_money(
                            'coalesce(used.taken_amount, 0)', 'currencies.minor_units'
                        ) }}
                        else 0
                    end
        end as limit_amount,
        accounts.period_start as aligned_period_start
    from accounts
    inner join redemptions
        on
            accounts.billing_account_id = redemptions.billing_account_id
            and redemptions.redeemed_date < accounts.bill_date
            and redemptions.ended_date >= accounts.bill_date
            and redemptions.landing_sequence <= accounts.landing_watermark
            and coalesce(redemptions.superseded_sequence, accounts.landing_watermark + 1)
            > accounts.landing_watermark
    inner join coupons
        on
            redemptions.coupon_id = coupons.coupon_id
            and redemptions.redeemed_date >= coupons.valid_from
            and redemptions.redeemed_date < coupons.valid_to
    inner join currencies on accounts.currency_code = currencies.currency_code
    inner join exchange_rates
        on
            accounts.pass_id = exchange_rates.pass_id
            and coupons.currency_code = exchange_rates.from_currency_code
            and accounts.currency_code = exchange_rates.to_currency_code
    left join used on redemptions.redemption_id = used.rule_id
    where
        (coupons.frequency = 'once' and coupons.discount_percent is null)
        or coalesce(used.invoice_count, 0) < coalesce(coupons.invoice_count, 2147483647)

),

in_order as (

    select
        usable.pass_id,
        usable.billing_account_id,
        usable.redemption_id,
        usable.coupon_id,
        usable.discount_percent,
        cast(usable.limit_amount as decimal(18, 4)) as limit_amount,
        usable.aligned_period_start,
        row_number() over (
            partition by usable.pass_id, usable.billing_account_id
            order by usable.redeemed_date, usable.redemption_id
        ) as turn
    from usable
    where usable.limit_amount is null or usable.limit_amount > 0

),

limited_to as (

    select
        in_order.pass_id,
        in_order.billing_account_id,
        in_order.redemption_id,
        coupon_charge_codes.charge_code
    from in_order
    inner join coupon_charge_codes on in_order.coupon_id = coupon_charge_codes.coupon_id
    union all
    select
        in_order.pass_id,
        in_order.billing_account_id,
        in_order.redemption_id,
        '*' as charge_code
    from in_order
    left join coupon_charge_codes on in_order.coupon_id = coupon_charge_codes.coupon_id
    where coupon_charge_codes.coupon_id is null

),

candidates as (

    select
        charges.charge_id,
        in_order.redemption_id as rule_id,
        in_order.billing_account_id as holder_id,
        in_order.turn,
        in_order.discount_percent,
        in_order.limit_amount,
        in_order.aligned_period_start
    from in_order
    inner join limited_to
        on
            in_order.pass_id = limited_to.pass_id
            and in_order.redemption_id = limited_to.redemption_id
    inner join charges
        on
            in_order.pass_id = charges.pass_id
            and in_order.billing_account_id = charges.billing_account_id
            and (limited_to.charge_code = charges.charge_code or limited_to.charge_code = '*')

),

left_0 as (

    select distinct
        charges.pass_id,
        charges.charge_id,
        charges.minor_units,
        charges.left_amount
    from charges
    inner join candidates on charges.charge_id = candidates.charge_id

),
{{ take_in_turns(
    turns,
    'case when discount_percent is null then limit_amount else '
    ~ round_money(share_of('whole_amount', 'discount_percent', 100), 'minor_units') ~ ' end'
) }},

taken as (

    {{ taken_in_turns(turns) }}

),

reduced as (

    select
        taken.pass_id,
        taken.charge_id as reduced_charge_id,
        accounts.billing_account_id,
        taken.rule_id as redemption_id,
        accounts.currency_code,
        charges.tax_category,
        taken.base_amount,
        cast(-taken.taken_amount as decimal(18, 4)) as amount,
        accounts.period_start as aligned_period_start,
        accounts.period_start,
        accounts.period_end
    from taken
    inner join charges on taken.charge_id = charges.charge_id
    inner join accounts
        on
            charges.pass_id = accounts.pass_id
            and charges.billing_account_id = accounts.billing_account_id

)

select * from reduced
where amount <> 0
