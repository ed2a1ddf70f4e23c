with

opening as (

    select
        subscription_id,
        plan_id,
        charged_through_date
    from {{ ref('stg_landing__opening_charged_through') }}

),

recurring_charges as (

    select distinct
        plan_id,
        charge_code
    from {{ ref('recurring_charges') }}

),

issued as (

    select
        subscription_id,
        plan_id,
        charge_code,
        charged_through_date,
        issue_sequence
    from {{ ref('stg_issued__charges') }}
    where charged_through_date is not null

),

-- What Tollhouse issued last counts; before its first pass, what the system before had charged.
known as (

    select
        opening.subscription_id,
        opening.plan_id,
        recurring_charges.charge_code,
        opening.charged_through_date,
        cast(0 as bigint) as issue_sequence
    from opening
    inner join recurring_charges on opening.plan_id = recurring_charges.plan_id
    union all
    select * from issued

),

latest as (

    select
        subscription_id,
        plan_id,
        charge_code,
        charged_through_date
    from known
    qualify
        row_number() over (
            partition by subscription_id, plan_id, charge_code
            order by issue_sequence desc, charged_through_date desc
        ) = 1

)

select * from latest
