{{ config(materialized='table') }}

with

terms as (

    select * from {{ ref('int_recurring_charges__terms') }}

),

accounts as (

    select
        pass_id,
        billing_account_id,
        crm_sequence,
        bill_date
    from {{ ref('int_accounts__in_scope') }}

),

charged as (

    select * from {{ ref('int_recurring_charges__charged') }}

),

given_back as (

    select * from {{ ref('int_recurring_charges__given_back') }}

),

suspensions as (

    select * from {{ ref('int_subscription_suspensions__known') }}

),

-- What the system before had charged: from the start of the stay that it knew, to the day it told.
opening as (

    select
        pass_id,
        billing_account_id,
        subscription_id,
        plan_id,
        charge_code,
        cast(
            coalesce(max(case when is_before_go_live then stay_from end), min(stay_from))
            as timestamp
        ) as charged_from_local,
        cast(max(opening_charged_through_date) as timestamp) as charged_to_local
    from terms
    where opening_charged_through_date is not null and is_account_of_opening
    group by pass_id, billing_account_id, subscription_id, plan_id, charge_code

),

opening_accounts as (

    select distinct
        pass_id,
        billing_account_id,
        subscription_id,
        plan_id,
        charge_code
    from terms
    where is_account_of_opening

),

-- Spans of four kinds: due to the end of the stay, billable to the horizon, suspended, and covered
-- by what is charged already, less what was given back of it.
spans as (

    select
        pass_id,
        billing_account_id,
        subscription_id,
        plan_id,
        charge_code,
        1 as due,
        0 as billable,
        0 as suspended,
        0 as covered,
        due_from_local as from_local,
        due_to_local as to_local
    from terms
    union all
    select
        pass_id,
        billing_account_id,
        subscription_id,
        plan_id,
        charge_code,
        0 as due,
        1 as billable,
        0 as suspended,
        0 as covered,
        billable_from_local as from_local,
        billable_to_local as to_local
    from terms
    union all
    select
        terms.pass_id,
        terms.billing_account_id,
        terms.subscription_id,
        terms.plan_id,
        terms.charge_code,
        0 as due,
        0 as billable,
        1 as suspended,
        0 as covered,
        greatest(terms.due_from_local, cast(suspensions.valid_from as timestamp)) as from_local,
        case
            when suspensions.valid_to <= accounts.bill_date
                then least(terms.due_to_local, cast(suspensions.valid_to as timestamp))
            else terms.due_to_local
        end as to_local
    from terms
    inner join accounts
        on
            terms.pass_id = accounts.pass_id
            and terms.billing_account_id = accounts.billing_account_id
    inner join suspensions
        on
            terms.subscription_id = suspensions.subscription_id
            and accounts.crm_sequence = suspensions.crm_sequence
            and suspensions.valid_from <= accounts.bill_date
    where not terms.charged_while_suspended
    union all
    select
        pass_id,
        billing_account_id,
        subscription_id,
        plan_id,
        charge_code,
        0 as due,
        0 as billable,
        0 as suspended,
        1 as covered,
        charged_from_local as from_local,
        charged_to_local as to_local
    from opening
    union all
    select
        accounts.pass_id,
        accounts.billing_account_id,
        charged.subscription_id,
        charged.plan_id,
        charged.charge_code,
        0 as due,
        0 as billable,
        0 as suspended,
        1 as covered,
        charged.charged_from_local as from_local,
        charged.charged_to_local as to_local
    from accounts
    inner join charged on accounts.billing_account_id = charged.billing_account_id
    union all
    select
        opening_accounts.pass_id,
        opening_accounts.billing_account_id,
        opening_accounts.subscription_id,
        opening_accounts.plan_id,
        opening_accounts.charge_code,
        0 as due,
        0 as billable,
        0 as suspended,
        1 as covered,
        charged.charged_from_local as from_local,
        charged.charged_to_local as to_local
    from opening_accounts
    inner join charged
        on
            opening_accounts.subscription_id = charged.subscription_id
            and opening_accounts.plan_id = charged.plan_id
            and opening_accounts.charge_code = charged.charge_code
            and charged.billing_account_id is null
    union all
    select
        accounts.pass_id,
        accounts.billing_account_id,
        given_back.subscription_id,
        given_back.plan_id,
        given_back.charge_code,
        0 as due,
        0 as billable,
        0 as suspended,
        -1 as covered,
        given_back.charged_from_local as from_local,
        given_back.charged_to_local as to_local
    from accounts
    inner join given_back on accounts.billing_account_id = given_back.billing_account_id

),

edges as (

    select
        pass_id,
        billing_account_id,
        subscription_id,
        plan_id,
        charge_code,
        due,
        billable,
        suspended,
        covered,
        from_local as at_local
    from spans
    where from_local < to_local
    union all
    select
        pass_id,
        billing_account_id,
        subscription_id,
        plan_id,
        charge_code,
        -due as due,
        -billable as billable,
        -suspended as suspended,
        -covered as covered,
        to_local as at_local
    from spans
    where from_local < to_local

),

stepped as (

    select
        pass_id,
        billing_account_id,
        subscription_id,
        plan_id,
        charge_code,
        at_local,
        sum(due) as due,
        sum(billable) as billable,
        sum(suspended) as suspended,
        sum(covered) as covered
    from edges
    group by pass_id, billing_account_id, subscription_id, plan_id, charge_code, at_local

),

-- Between two edges nothing changes.
between_edges as (

    select
        pass_id,
        billing_account_id,
        subscription_id,
        plan_id,
        charge_code,
        sum(due) over to_here > 0 and sum(suspended) over to_here = 0 as is_due,
        sum(billable) over to_here > 0 and sum(suspended) over to_here = 0 as is_billable,
        sum(covered) over to_here > 0 as is_covered,
        at_local as from_local,
        lead(at_local) over (
            partition by pass_id, billing_account_id, subscription_id, plan_id, charge_code
            order by at_local
        ) as to_local
    from stepped
    window
        to_here as (
            partition by pass_id, billing_account_id, subscription_id, plan_id, charge_code
            order by at_local
            rows between unbounded preceding and current row
        )

),

-- What is not covered is one span, whatever was once charged and given back in it.
marked as (

    select
        *,
        case
            when
                not is_covered
                and not lag(is_covered) over in_order
                and is_due = lag(is_due) over in_order
                and is_billable = lag(is_billable) over in_order
                then 0
            else 1
        end as is_change
    from between_edges
    window
        in_order as (
            partition by pass_id, billing_account_id, subscription_id, plan_id, charge_code
            order by from_local
        )

),

numbered as (

    select
        *,
        sum(is_change) over (
            partition by pass_id, billing_account_id, subscription_id, plan_id, charge_code
            order by from_local
            rows between unbounded preceding and current row
        ) as segment_number
    from marked

),

segmented as (

    select
        pass_id,
        billing_account_id,
        subscription_id,
        plan_id,
        charge_code,
        segment_number,
        is_due,
        is_billable,
        is_covered,
        min(from_local) as from_local,
        max(to_local) as to_local
    from numbered
    where is_due or is_billable or is_covered
    group by
        pass_id,
        billing_account_id,
        subscription_id,
        plan_id,
        charge_code,
        segment_number,
        is_due,
        is_billable,
        is_covered

)

select * from segmented
