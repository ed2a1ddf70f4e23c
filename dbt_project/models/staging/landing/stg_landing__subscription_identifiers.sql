with

subscription_identifiers as (

    select * from {{ read_files('landing', 'subscription_identifiers') }}

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
        subscription_identifiers.subscription_id,
        subscription_identifiers.identifier_type,
        subscription_identifiers.identifier,
        subscription_identifiers.valid_from,
        subscription_identifiers.valid_to,
        subscription_identifiers.file_id,
        files.landing_sequence,
        subscription_identifiers.record_number
    from subscription_identifiers
    inner join files on subscription_identifiers.file_id = files.file_id

),

-- A later file replaces an earlier one for the same key.
latest as (

    select
        subscription_id,
        identifier_type,
        identifier,
        valid_from,
        valid_to,
        file_id,
        landing_sequence,
        record_number
    from committed
    qualify
        row_number() over (
            partition by
                subscription_id,
                identifier_type,
                identifier,
                valid_from
            order by landing_sequence desc, record_number desc
        ) = 1

)

select * from latest
