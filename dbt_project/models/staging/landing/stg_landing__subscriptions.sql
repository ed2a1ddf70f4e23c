with

subscriptions as (

    select * from {{ read_files('landing', 'subscriptions') }}

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
        subscriptions.subscription_id,
        subscriptions.billing_account_id,
        subscriptions.activated_date,
        subscriptions.terminated_date,
        subscriptions.valid_from,
        subscriptions.file_id,
        files.landing_sequence,
        subscriptions.record_number
    from subscriptions
    inner join files on subscriptions.file_id = files.file_id

),

-- A later file replaces an earlier one for the same key, from its landing on.
versioned as (

    select
        subscription_id,
        billing_account_id,
        activated_date,
        terminated_date,
        valid_from,
        file_id,
        landing_sequence,
        record_number,
        lead(landing_sequence) over (
            partition by subscription_id, valid_from
            order by landing_sequence, record_number
        ) as superseded_sequence
    from committed

)

select * from versioned
