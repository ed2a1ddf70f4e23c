with

rate_plan_overrides as (

    select * from {{ read_files('landing', 'rate_plan_overrides') }}

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
        rate_plan_overrides.rate_plan_override_id,
        rate_plan_overrides.billing_account_id,
        rate_plan_overrides.subscription_id,
        rate_plan_overrides.plan_id,
        rate_plan_overrides.valid_from,
        rate_plan_overrides.valid_to,
        rate_plan_overrides.file_id,
        files.landing_sequence,
        rate_plan_overrides.record_number
    from rate_plan_overrides
    inner join files on rate_plan_overrides.file_id = files.file_id

),

-- A later file replaces an earlier one for the same key, from its landing on.
versioned as (

    select
        rate_plan_override_id,
        billing_account_id,
        subscription_id,
        plan_id,
        valid_from,
        valid_to,
        file_id,
        landing_sequence,
        record_number,
        lead(landing_sequence) over (
            partition by rate_plan_override_id
            order by landing_sequence, record_number
        ) as superseded_sequence
    from committed

)

select * from versioned
