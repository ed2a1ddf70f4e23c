{{ config(materialized='table') }}

with

subscriptions as (

    select
        subscription_id,
        billing_account_id,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('int_subscriptions__dated') }}

),

accounts as (

    select
        billing_account_id,
        legal_entity_id,
        bill_cycle_id,
        valid_from,
        valid_to
    from {{ ref('int_billing_accounts__dated') }}

),

spans as (

    select
        subscriptions.subscription_id,
        subscriptions.billing_account_id,
        accounts.legal_entity_id,
        accounts.bill_cycle_id,
        greatest(subscriptions.valid_from, accounts.valid_from) as valid_from,
        least(subscriptions.valid_to, accounts.valid_to) as valid_to
    from subscriptions
    inner join accounts
        on
            subscriptions.billing_account_id = accounts.billing_account_id
            and subscriptions.valid_from < accounts.valid_to
            and subscriptions.valid_to > accounts.valid_from

),

-- What changes nothing but the language is no change of the cycle.
marked as (

    select
        *,
        case
            when
                lag(concat_ws('/', billing_account_id, legal_entity_id, bill_cycle_id)) over (
                    partition by subscription_id
                    order by valid_from
                ) = concat_ws('/', billing_account_id, legal_entity_id, bill_cycle_id)
                then 0
            else 1
        end as is_change
    from spans

),

numbered as (

    select
        *,
        sum(is_change) over (
            partition by subscription_id
            order by valid_from
            rows between unbounded preceding and current row
        ) as span_number
    from marked

),

dated as (

    select
        subscription_id,
        billing_account_id,
        legal_entity_id,
        bill_cycle_id,
        min(valid_from) as valid_from,
        max(valid_to) as valid_to
    from numbered
    group by subscription_id, billing_account_id, legal_entity_id, bill_cycle_id, span_number

)

select * from dated
