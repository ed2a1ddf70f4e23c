{# So many caps reduce one charge at most. #}
{% set turns = 6 %}

{{
    config(
        materialized='incremental',
        incremental_strategy='replace_runs',
        on_schema_change='fail'
    )
}}

-- depends_on: {{ ref('int_passes__in_scope') }} (read by replace_runs)

with

charges as (

    select * from {{ ref('int_charges__discounted') }}

),

matched as (

    select * from {{ ref('int_charge_rules__matched') }}
    where rule_type = 'cap'

),

charge_caps as (

    select
        charge_cap_id,
        measured_over,
        currency_code,
        maximum_amount,
        priority,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('charge_caps') }}

),

exchange_rates as (

    select * from {{ ref('int_exchange_rates__in_force') }}

),

used as (

    select * from {{ ref('int_charge_rules__used') }}
    where rule_type = 'cap'

),

capped as (

    select
        charges.pass_id,
        charges.charge_id,
        charges.billing_account_id,
        charges.minor_units,
        charges.left_amount,
        charge_caps.charge_cap_id as rule_id,
        case charge_caps.measured_over
            when 'subscription' then charges.subscription_id
            else charges.billing_account_id
        end as holder_id,
        charge_caps.priority,
        {{ round_money(
            exchanged('charge_caps.maximum_amount', 'exchange_rates.exchange_rate'),
            'charges.minor_units'
        ) }}
            as maximum_amount,
        charges.aligned_period_start
    from matched
    inner join charges
        on matched.pass_id = charges.pass_id and matched.charge_id = charges.charge_id
    inner join charge_caps
        on
            matched.rule_id = charge_caps.charge_cap_id
            and charges.aligned_period_start >= charge_caps.valid_from
            and charges.aligned_period_start < charge_caps.valid_to
    inner join exchange_rates
        on
            charges.pass_id = exchange_rates.pass_id
            and charge_caps.currency_code = exchange_rates.from_currency_code
            and charges.currency_code = exchange_rates.to_currency_code

),

-- What is left of the maximum after the period's earlier invoices, without what was cut of them.
candidates as (

    select
        capped.charge_id,
        capped.rule_id,
        capped.holder_id,
        dense_rank() over (
            partition by capped.pass_id, capped.billing_account_id
            order by capped.priority, capped.rule_id
        ) as turn,
        cast(null as decimal(9, 6)) as discount_percent,
        cast(
            capped.maximum_amount
            - {{ round_money(
                'coalesce(used.measured_amount - used.taken_amount, 0)', 'capped.minor_units'
            ) }}
            as decimal(18, 4)
        ) as limit_amount,
        capped.aligned_period_start
    from capped
    left join used
        on
            capped.rule_id = used.rule_id
            and capped.holder_id = used.holder_id
            and capped.aligned_period_start = used.aligned_period_start

),

left_0 as (

    select distinct
        pass_id,
        charge_id,
        minor_units,
        left_amount
    from capped

),
{{ take_in_turns(turns, 'whole_amount - limit_amount') }},

taken as (

    {{ taken_in_turns(turns) }}

),

caps as (

    select
        taken.pass_id,
        taken.charge_id as reduced_charge_id,
        charges.billing_account_id,
        charges.subscription_id,
        taken.rule_id as charge_cap_id,
        taken.holder_id,
        charges.currency_code,
        charges.tax_category,
        taken.base_amount,
        cast(-taken.taken_amount as decimal(18, 4)) as amount,
        charges.aligned_period_start,
        charges.period_start,
        charges.period_end
    from taken
    inner join charges on taken.charge_id = charges.charge_id

)

select * from caps
