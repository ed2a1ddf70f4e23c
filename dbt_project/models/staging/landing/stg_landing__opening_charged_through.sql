with

opening_charged_through as (

    select * from {{ read_files('landing', 'opening_charged_through') }}

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
        opening_charged_through.subscription_id,
        opening_charged_through.plan_id,
        opening_charged_through.charged_through as charged_through_date,
        opening_charged_through.file_id,
        files.landing_sequence,
        opening_charged_through.record_number
    from opening_charged_through
    inner join files on opening_charged_through.file_id = files.file_id

),

-- A later file replaces an earlier one for the same key.
latest as (

    select
        subscription_id,
        plan_id,
        charged_through_date,
        file_id,
        landing_sequence,
        record_number
    from committed
    qualify
        row_number() over (
            partition by
                subscription_id,
                plan_id
            order by landing_sequence desc, record_number desc
        ) = 1

)

select * from latest
