with

subscription_plans as (

    select * from {{ read_files('landing', 'subscription_plans') }}

),

files as (

    select
        file_id,
        landing_sequence
    from {{ ref('stg_landing__files') }}
    where file_status = 'accepted'

),

committed as (

    select
        subscription_plans.subscription_id,
        subscription_plans.plan_id,
        subscription_plans.valid_from,
        subscription_plans.valid_to,
        subscription_plans.started_at,
        subscription_plans.ended_at,
        subscription_plans.file_id,
        files.landing_sequence,
        subscription_plans.record_number
    from subscription_plans
    inner join files on subscription_plans.file_id = files.file_id

),

-- A later file replaces an earlier one for the same key, from its landing on.
versioned as (

    select
        subscription_id,
        plan_id,
        valid_from,
        valid_to,
        started_at,
        ended_at,
        file_id,
        landing_sequence,
        record_number,
        lead(landing_sequence) over (
            partition by subscription_id, plan_id, valid_from
            order by landing_sequence, record_number
        ) as superseded_sequence
    from committed

)

select * from versioned
