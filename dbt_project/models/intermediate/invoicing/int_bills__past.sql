with

opening as (

    select
        billing_account_id,
        currency_code,
        usage_amount,
        total_amount,
        bill_date
    from {{ ref('stg_landing__opening_bills') }}

),

issued as (

    select
        billing_account_id,
        currency_code,
        usage_amount,
        total_amount,
        bill_date
    from {{ ref('stg_issued__invoices') }}

),

united as (

    select * from opening
    union all
    select * from issued

),

-- Several invoices of one bill date (supplementary, off cycle) are one past bill.
past as (

    select
        billing_account_id,
        currency_code,
        bill_date,
        cast(sum(usage_amount) as decimal(18, 4)) as usage_amount,
        cast(sum(total_amount) as decimal(18, 4)) as total_amount
    from united
    group by billing_account_id, currency_code, bill_date

)

select * from past
