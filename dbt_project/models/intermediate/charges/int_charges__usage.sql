with

passes as (

    select pass_id from {{ ref('int_passes__in_scope') }}

),

rated as (

    select * from {{ ref('int_usage__rated') }}

),

summed as (

    select
        rated.pass_id,
        rated.billing_account_id,
        rated.subscription_id,
        rated.charge_code,
        rated.currency_code,
        rated.tax_category,
        rated.usage_period_start as period_start,
        rated.usage_period_end as period_end,
        -- A call that runs into another band counts where it began.
        cast(sum(case when rated.segment_number = 1 then 1 else 0 end) as bigint) as event_count,
        cast(sum(rated.units) as bigint) as quantity,
        cast(sum(rated.free_units) as bigint) as free_quantity,
        cast(sum(rated.rated_amount) as decimal(18, 6)) as amount
    from rated
    inner join passes on rated.pass_id = passes.pass_id
    group by
        rated.pass_id,
        rated.billing_account_id,
        rated.subscription_id,
        rated.charge_code,
        rated.currency_code,
        rated.tax_category,
        rated.usage_period_start,
        rated.usage_period_end

)

select * from summed
