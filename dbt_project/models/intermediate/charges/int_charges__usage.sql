with

passes as (

    select pass_id from {{ ref('int_passes__in_scope') }}

),

-- The first charge of a period is the one that a difference to it corrects.
originals as (

    select
        billing_account_id,
        subscription_id,
        charge_code,
        priced_currency_code,
        tax_category,
        period_start,
        period_end,
        min_by(charge_id, issue_sequence) as charge_id
    from {{ ref('stg_issued__charges') }}
    where charge_type = 'usage'
    group by
        billing_account_id,
        subscription_id,
        charge_code,
        priced_currency_code,
        tax_category,
        period_start,
        period_end

),

rated as (

    select
        pass_id,
        billing_account_id,
        subscription_id,
        charge_code,
        currency_code,
        tax_category,
        usage_period_start as period_start,
        usage_period_end as period_end,
        -- A call that runs into another band counts where it began.
        sum({{ event_count() }}) as event_count,
        sum(units) as quantity,
        sum(free_units) as free_quantity,
        sum(rated_amount) as amount,
        max(case when is_reversal then 1 else 0 end) as is_correction
    from {{ ref('int_usage__rated') }}
    group by
        pass_id,
        billing_account_id,
        subscription_id,
        charge_code,
        currency_code,
        tax_category,
        usage_period_start,
        usage_period_end

),

-- What tiers cost without an event stands in the charge of their usage.
fees as (

    select
        pass_id,
        billing_account_id,
        subscription_id,
        charge_code,
        currency_code,
        tax_category,
        period_start,
        period_end,
        0 as event_count,
        0 as quantity,
        0 as free_quantity,
        amount,
        0 as is_correction
    from {{ ref('int_tier_fees__due') }}

),

united as (

    select * from rated
    union all
    select * from fees

),

summed as (

    select
        united.pass_id,
        united.billing_account_id,
        united.subscription_id,
        united.charge_code,
        united.currency_code,
        united.tax_category,
        united.period_start,
        united.period_end,
        cast(sum(united.event_count) as bigint) as event_count,
        cast(sum(united.quantity) as bigint) as quantity,
        cast(sum(united.free_quantity) as bigint) as free_quantity,
        cast(sum(united.amount) as decimal(18, 6)) as amount,
        max(united.is_correction) = 1 as is_correction
    from united
    inner join passes on united.pass_id = passes.pass_id
    group by
        united.pass_id,
        united.billing_account_id,
        united.subscription_id,
        united.charge_code,
        united.currency_code,
        united.tax_category,
        united.period_start,
        united.period_end

),

-- D-212: where what is computed again costs what it did, there is nothing to charge.
charged as (

    select
        summed.pass_id,
        summed.billing_account_id,
        summed.subscription_id,
        summed.charge_code,
        summed.currency_code,
        summed.tax_category,
        summed.period_start,
        summed.period_end,
        summed.event_count,
        summed.quantity,
        summed.free_quantity,
        summed.amount,
        case when summed.is_correction then originals.charge_id end as corrected_charge_id
    from summed
    left join originals
        on
            summed.billing_account_id = originals.billing_account_id
            and summed.subscription_id = originals.subscription_id
            and summed.charge_code = originals.charge_code
            and summed.currency_code = originals.priced_currency_code
            and summed.tax_category = originals.tax_category
            and summed.period_start = originals.period_start
            and summed.period_end = originals.period_end
    where not summed.is_correction or summed.event_count <> 0 or summed.amount <> 0

)

select * from charged
