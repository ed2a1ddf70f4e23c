with

statuses as (

    select * from {{ ref('stg_landing__subscription_statuses') }}

),

known as (

    select
        crm_sequence,
        is_latest
    from {{ ref('int_crm__known') }}

),

dated as (

    select
        known.crm_sequence,
        known.is_latest,
        statuses.subscription_id,
        statuses.subscription_status,
        statuses.valid_from,
        coalesce(
            lead(statuses.valid_from) over (
                partition by known.crm_sequence, statuses.subscription_id
                order by statuses.valid_from
            ),
            cast('9999-12-31' as date)
        ) as valid_to
    from known
    inner join statuses
        on
            statuses.landing_sequence <= known.crm_sequence
            and coalesce(statuses.superseded_sequence, known.crm_sequence + 1) > known.crm_sequence

),

suspensions as (

    select
        crm_sequence,
        is_latest,
        subscription_id,
        valid_from,
        valid_to
    from dated
    where subscription_status = 'suspended'

)

select * from suspensions
