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

-- A later file replaces an earlier one for the same key.
latest as (

    select
        subscription_id,
        billing_account_id,
        activated_date,
        terminated_date,
        valid_from,
        file_id,
        landing_sequence,
        record_number
    from committed
    qualify
        row_number() over (
            partition by
                subscription_id,
                valid_from
            order by landing_sequence desc, record_number desc
        ) = 1

)

select * from latest
