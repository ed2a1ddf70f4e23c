with

subscriptions as (

    select * from {{ ref('stg_landing__subscriptions') }}

),

known as (

    select
        crm_sequence,
        is_latest
    from {{ ref('int_crm__known') }}

),

-- Which account a subscription belonged to when. The first row reaches back to the activation; the
-- dates of activation and termination are those of the newest row, on every row.
dated as (

    select
        known.crm_sequence,
        known.is_latest,
        subscriptions.subscription_id,
        subscriptions.billing_account_id,
        first_value(subscriptions.activated_date) over newest_first as activated_date,
        first_value(subscriptions.terminated_date) over newest_first as terminated_date,
        case
            when
                row_number() over (
                    partition by known.crm_sequence, subscriptions.subscription_id
                    order by subscriptions.valid_from
                ) = 1
                then least(subscriptions.valid_from, subscriptions.activated_date)
            else subscriptions.valid_from
        end as valid_from,
        lead(subscriptions.valid_from) over (
            partition by known.crm_sequence, subscriptions.subscription_id
            order by subscriptions.valid_from
        ) as valid_to
    from known
    inner join subscriptions
        on
            subscriptions.landing_sequence <= known.crm_sequence
            and coalesce(subscriptions.superseded_sequence, known.crm_sequence + 1)
            > known.crm_sequence
    window
        newest_first as (
            partition by known.crm_sequence, subscriptions.subscription_id
            order by subscriptions.valid_from desc
        )

)

select * from dated
