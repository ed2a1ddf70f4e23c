with

passes as (

    select pass_id from {{ ref('int_passes__in_scope') }}

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
        sum(case when segment_number = 1 then 1 else 0 end) as event_count,
        sum(units) as quantity,
        sum(free_units) as free_quantity,
        sum(rated_amount) as amount
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
        amount
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
        cast(sum(united.amount) as decimal(18, 6)) as amount
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

)

select * from summed
