with

subscriptions as (

    select * from {{ ref('int_subscriptions__known') }}
    where is_latest

),

as_of as (

    select as_of_date from {{ ref('int_crm__as_of') }}

),

-- Current is the row that applies now; before the first begins, the first.
dated as (

    select
        subscriptions.subscription_id,
        subscriptions.billing_account_id,
        subscriptions.activated_date,
        subscriptions.terminated_date,
        (
            as_of.as_of_date >= subscriptions.valid_from
            or row_number() over (
                partition by subscriptions.subscription_id
                order by subscriptions.valid_from
            ) = 1
        )
        and (
            subscriptions.valid_to is null
            or as_of.as_of_date < subscriptions.valid_to
        ) as is_current,
        subscriptions.valid_from,
        subscriptions.valid_to
    from subscriptions
    cross join as_of

)

select * from dated
