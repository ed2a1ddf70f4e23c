with

opening as (

    select
        rule_type,
        rule_id,
        coalesce(subscription_id, billing_account_id) as holder_id,
        measured_amount,
        taken_amount,
        invoice_count,
        period_start as aligned_period_start
    from {{ ref('stg_landing__opening_rule_use') }}

),

issued as (

    select
        rule_type,
        rule_id,
        holder_id,
        measured_amount,
        taken_amount,
        cast(case when taken_amount <> 0 then 1 else 0 end as bigint) as invoice_count,
        aligned_period_start
    from {{ ref('stg_issued__rule_use') }}

),

united as (

    select * from opening
    union all
    select * from issued

),

used as (

    select
        rule_type,
        rule_id,
        holder_id,
        cast(sum(measured_amount) as decimal(18, 6)) as measured_amount,
        cast(sum(taken_amount) as decimal(18, 6)) as taken_amount,
        cast(sum(invoice_count) as bigint) as invoice_count,
        aligned_period_start
    from united
    group by rule_type, rule_id, holder_id, aligned_period_start

)

select * from used
