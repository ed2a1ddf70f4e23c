with

subscription_statuses as (

    select * from {{ read_files('landing', 'subscription_statuses') }}

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
        subscription_statuses.subscription_id,
        subscription_statuses.status as subscription_status,
        subscription_statuses.valid_from,
        subscription_statuses.file_id,
        files.landing_sequence,
        subscription_statuses.record_number
    from subscription_statuses
    inner join files on subscription_statuses.file_id = files.file_id

),

-- A later file replaces an earlier one for the same key, from its landing on.
versioned as (

    select
        subscription_id,
        subscription_status,
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
