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
        legal_entity_id,
        bill_cycle_id,
        period_start,
        period_end,
        coalesce(closed_date, cast('9999-12-31' as date)) as closed_date
    from {{ ref('int_accounts__in_scope') }}

),

issued as (

    select
        billing_account_id,
        period_end
    from {{ ref('stg_issued__invoices') }}

),

periods as (

    select
        legal_entity_id,
        bill_cycle_id,
        period_start,
        period_end
    from {{ ref('int_bill_periods__aligned') }}

),

subscription_plans as (

    select
        subscription_id,
        billing_account_id,
        rate_plan_id,
        effective_from,
        effective_to
    from {{ ref('int_rate_plans__agreed') }}
    where rate_plan_id is not null

),

usage_rates as (

    select
        usage_rate_id,
        rate_plan_id,
        price_tier_set_id,
        charge_code,
        currency_code,
        tax_category,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('usage_rates') }}
    where price_tier_set_id is not null

),

tier_sets as (

    select
        price_tier_set_id,
        pricing_model
    from {{ ref('price_tier_sets') }}

),

price_tiers as (

    select * from {{ ref('int_price_tiers__cumulated') }}

),

counted_before as (

    select * from {{ ref('int_tier_counters__before') }}

),

reopened as (

    select
        pass_id,
        billing_account_id,
        subscription_id,
        price_tier_set_id,
        usage_period_start,
        fee_amount
    from {{ ref('int_tier_counters__reopened') }}

),

-- An account that was held or skipped catches up with what no invoice has covered.
windows as (

    select
        accounts.pass_id,
        accounts.billing_account_id,
        accounts.legal_entity_id,
        accounts.bill_cycle_id,
        accounts.period_end,
        accounts.closed_date,
        least(accounts.period_start, coalesce(max(issued.period_end), accounts.period_start))
            as covered_to
    from accounts
    left join issued
        on
            accounts.billing_account_id = issued.billing_account_id
            and issued.period_end < accounts.period_end
    group by
        accounts.pass_id,
        accounts.billing_account_id,
        accounts.legal_entity_id,
        accounts.bill_cycle_id,
        accounts.period_start,
        accounts.period_end,
        accounts.closed_date

),

-- What a rate plan prices by tiers in each period that any account catches up with: found once for
-- all who hold it, of whom there are many more than rates.
spans as (

    select
        legal_entity_id,
        bill_cycle_id,
        min(covered_to) as covered_to,
        max(period_end) as period_end
    from windows
    group by legal_entity_id, bill_cycle_id

),

offered as (

    select
        periods.legal_entity_id,
        periods.bill_cycle_id,
        periods.period_start,
        periods.period_end,
        usage_rates.rate_plan_id,
        usage_rates.price_tier_set_id,
        min(usage_rates.usage_rate_id) as usage_rate_id,
        min_by(usage_rates.charge_code, usage_rates.usage_rate_id) as charge_code,
        min_by(usage_rates.currency_code, usage_rates.usage_rate_id) as currency_code,
        min_by(usage_rates.tax_category, usage_rates.usage_rate_id) as tax_category
    from spans
    inner join periods
        on
            spans.legal_entity_id = periods.legal_entity_id
            and spans.bill_cycle_id = periods.bill_cycle_id
            and spans.covered_to < periods.period_end
            and spans.period_end > periods.period_start
    inner join usage_rates
        on
            periods.period_start < usage_rates.valid_to
            and periods.period_end > usage_rates.valid_from
    group by
        periods.legal_entity_id,
        periods.bill_cycle_id,
        periods.period_start,
        periods.period_end,
        usage_rates.rate_plan_id,
        usage_rates.price_tier_set_id

),

-- The periods that the pass sees the end of, which for a closed account comes with it.
ended as (

    select
        windows.pass_id,
        windows.billing_account_id,
        subscription_plans.subscription_id,
        offered.price_tier_set_id,
        offered.usage_rate_id,
        offered.charge_code,
        offered.currency_code,
        offered.tax_category,
        offered.period_start,
        offered.period_end,
        true as has_ended
    from windows
    inner join subscription_plans
        on windows.billing_account_id = subscription_plans.billing_account_id
    inner join offered
        on
            windows.legal_entity_id = offered.legal_entity_id
            and windows.bill_cycle_id = offered.bill_cycle_id
            and subscription_plans.rate_plan_id = offered.rate_plan_id
            and windows.covered_to < offered.period_end
            and windows.period_end > offered.period_start
            and offered.period_start < subscription_plans.effective_to
            and least(offered.period_end, windows.closed_date) > subscription_plans.effective_from
    where
        offered.period_end <= windows.period_end
        or windows.closed_date <= windows.period_end

),

used_rates as (

    select distinct
        pass_id,
        billing_account_id,
        subscription_id,
        price_tier_set_id,
        usage_rate_id,
        charge_code,
        currency_code,
        tax_category,
        usage_period_start,
        usage_period_end
    from {{ ref('int_usage__rated') }}
    where price_tier_set_id is not null

),

used as (

    select
        rated.pass_id,
        rated.billing_account_id,
        rated.subscription_id,
        rated.price_tier_set_id,
        rated.usage_rate_id,
        rated.charge_code,
        rated.currency_code,
        rated.tax_category,
        rated.usage_period_start as period_start,
        rated.usage_period_end as period_end,
        rated.usage_period_end <= accounts.period_end
        or accounts.closed_date <= accounts.period_end as has_ended
    from used_rates as rated
    inner join accounts
        on
            rated.pass_id = accounts.pass_id
            and rated.billing_account_id = accounts.billing_account_id

),

united as (

    select * from ended
    union all
    select * from used

),

begun as (

    select
        pass_id,
        billing_account_id,
        subscription_id,
        price_tier_set_id,
        period_start,
        period_end,
        max(case when has_ended then 1 else 0 end) = 1 as has_ended,
        min_by(charge_code, usage_rate_id) as charge_code,
        min_by(currency_code, usage_rate_id) as currency_code,
        min_by(tax_category, usage_rate_id) as tax_category
    from united
    group by
        pass_id, billing_account_id, subscription_id, price_tier_set_id, period_start, period_end

),

counted as (

    select
        begun.*,
        {{ add_days('begun.period_end', -1) }} as last_date,
        counted_before.subscription_id is not null as is_continued,
        coalesce(counted_before.counted_units, 0) as counted_units,
        coalesce(counted_before.largest_units, 0) as largest_units,
        coalesce(counted_before.billed_amount, 0) as billed_amount,
        coalesce(reopened.fee_amount, 0) as reopened_amount
    from begun
    left join counted_before
        on
            begun.subscription_id = counted_before.subscription_id
            and begun.price_tier_set_id = counted_before.price_tier_set_id
            and begun.period_start = counted_before.usage_period_start
    left join reopened
        on
            begun.pass_id = reopened.pass_id
            and begun.billing_account_id = reopened.billing_account_id
            and begun.subscription_id = reopened.subscription_id
            and begun.price_tier_set_id = reopened.price_tier_set_id
            and begun.period_start = reopened.usage_period_start

),

measured as (

    select
        counted.*,
        tier_sets.pricing_model,
        case tier_sets.pricing_model
            when 'capacity' then counted.largest_units
            else counted.counted_units
        end as measured_units
    from counted
    inner join tier_sets on counted.price_tier_set_id = tier_sets.price_tier_set_id

),

-- What is due without any event: the price of no use, once; and of what is priced when its period
-- is over, what earlier passes counted and did not bill.
priced as (

    select
        measured.pass_id,
        measured.billing_account_id,
        measured.subscription_id,
        measured.price_tier_set_id,
        measured.charge_code,
        measured.currency_code,
        measured.tax_category,
        cast(
            case
                when measured.pricing_model not in ('volume', 'capacity')
                    then
                        case
                            when measured.is_continued then cast(0 as decimal(18, 6))
                            else tiers.zero_amount
                        end
                when not measured.has_ended then cast(0 as decimal(18, 6))
                else {{ tier_price('measured.measured_units', 'tiers') }} - measured.billed_amount
            end - measured.reopened_amount as decimal(18, 6)
        ) as amount,
        measured.period_start,
        measured.period_end
    from measured
    inner join price_tiers as tiers
        on
            measured.price_tier_set_id = tiers.price_tier_set_id
            and measured.last_date >= tiers.valid_from
            and measured.last_date < tiers.valid_to
            and greatest(measured.measured_units, 1) > tiers.from_units
            and greatest(measured.measured_units, 1) <= tiers.to_units

),

due as (

    select priced.*
    from priced
    inner join passes on priced.pass_id = passes.pass_id
    where priced.amount <> 0

)

select * from due
