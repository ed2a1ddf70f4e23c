with

segments as (

    select * from {{ ref('int_recurring_charges__segmented') }}

),

accounts as (

    select
        pass_id,
        billing_account_id,
        time_zone,
        bill_date
    from {{ ref('int_accounts__in_scope') }}

),

-- Charged and no more due, once its first day has come: an end that lies ahead may be withdrawn.
too_much as (

    select
        segments.pass_id,
        segments.billing_account_id,
        accounts.time_zone,
        segments.subscription_id,
        segments.plan_id,
        segments.charge_code,
        segments.from_local,
        segments.to_local
    from segments
    inner join accounts
        on
            segments.pass_id = accounts.pass_id
            and segments.billing_account_id = accounts.billing_account_id
    where
        segments.is_covered
        and not segments.is_due
        and segments.from_local <= cast(accounts.bill_date as timestamp)

)

select * from too_much
