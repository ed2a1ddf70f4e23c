with

subscription_contracts as (

    select * from {{ read_files('landing', 'subscription_contracts') }}

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
        subscription_contracts.contract_id,
        subscription_contracts.subscription_id,
        subscription_contracts.contract_term_id,
        subscription_contracts.started_date,
        subscription_contracts.cancelled_date,
        subscription_contracts.file_id,
        files.landing_sequence,
        subscription_contracts.record_number
    from subscription_contracts
    inner join files on subscription_contracts.file_id = files.file_id

),

-- A later file replaces an earlier one for the same key, from its landing on.
versioned as (

    select
        contract_id,
        subscription_id,
        contract_term_id,
        started_date,
        cancelled_date,
        file_id,
        landing_sequence,
        record_number,
        lead(landing_sequence) over (
            partition by contract_id
            order by landing_sequence, record_number
        ) as superseded_sequence
    from committed

)

select * from versioned
