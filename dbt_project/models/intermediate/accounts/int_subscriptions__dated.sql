with

subscriptions as (

    select * from {{ ref('stg_landing__subscriptions') }}

),

-- Which account a subscription belonged to when. The first row reaches back to the activation; the
-- dates of activation and termination are those known last.
dated as (

    select
        subscription_id,
        billing_account_id,
        first_value(activated_date) over newest_first as activated_date,
        first_value(terminated_date) over newest_first as terminated_date,
        row_number() over newest_first = 1 as is_current,
        case
            when row_number() over (partition by subscription_id order by valid_from) = 1
                then least(valid_from, activated_date)
            else valid_from
        end as valid_from,
        lead(valid_from) over (partition by subscription_id order by valid_from) as valid_to
    from subscriptions
    window newest_first as (partition by subscription_id order by valid_from desc)

)

select * from dated
