{{ config(materialized='table') }}

with

accounts as (

    select
        pass_id,
        billing_account_id,
        legal_entity_id,
        bill_cycle_id,
        time_zone,
        crm_sequence,
        bill_date,
        go_live_date,
        coalesce(closed_date, cast('9999-12-31' as date)) as closed_date
    from {{ ref('int_accounts__in_scope') }}

),

cycles as (

    select * from {{ ref('int_bill_cycles__current') }}

),

subscriptions as (

    select
        crm_sequence,
        subscription_id,
        billing_account_id,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to,
        row_number() over (partition by crm_sequence, subscription_id order by valid_from) = 1
            as is_first_account
    from {{ ref('int_subscriptions__known') }}

),

stays as (

    select
        crm_sequence,
        subscription_id,
        plan_id,
        activated_date,
        effective_from,
        effective_to,
        starts_local,
        ends_local,
        min(effective_from) over (partition by crm_sequence, subscription_id, plan_id)
            as plan_start_date,
        coalesce(
            lead(starts_local) over (
                partition by
                    crm_sequence, subscription_id,
                    case when plan_type = 'plan' then 'plan' else plan_id end
                order by starts_local
            ) = ends_local,
            false
        ) as is_followed
    from {{ ref('int_subscription_plans__known') }}

),

recurring_charges as (

    select
        recurring_charge_id,
        plan_id,
        charge_code,
        amount,
        currency_code,
        billing_timing,
        proration,
        interval_months,
        interval_weeks,
        coalesce(alignment, 'cycle') as alignment,
        coalesce(trial_days, 0) as trial_days,
        coalesce(charged_while_suspended, true) as charged_while_suspended,
        tax_category,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('recurring_charges') }}

),

opening as (

    select
        subscription_id,
        plan_id,
        charged_through_date
    from {{ ref('stg_landing__opening_charged_through') }}

),

periods as (

    select * from {{ ref('int_periods__aligned') }}

),

-- A stay belongs to the account that the subscription belongs to, and ends with the account.
held as (

    select
        accounts.pass_id,
        accounts.billing_account_id,
        accounts.time_zone,
        accounts.bill_date,
        accounts.go_live_date,
        cycles.grid_id as cycle_grid_id,
        case when cycles.interval_weeks > 0 then 1 else cycles.anchor_day end as anchor_day,
        coalesce(cycles.anchor_month, 1) as anchor_month,
        case when cycles.interval_weeks > 0 then cycles.anchor_day else 1 end as anchor_weekday,
        stays.subscription_id,
        stays.plan_id,
        stays.activated_date,
        stays.effective_from as stay_from,
        stays.plan_start_date,
        subscriptions.is_first_account,
        subscriptions.valid_from as account_from,
        subscriptions.valid_to as account_to,
        greatest(stays.effective_from, subscriptions.valid_from) as held_from,
        least(stays.effective_to, subscriptions.valid_to, accounts.closed_date) as held_to,
        greatest(stays.starts_local, cast(subscriptions.valid_from as timestamp))
            as held_from_local,
        least(
            stays.ends_local,
            cast(least(subscriptions.valid_to, accounts.closed_date) as timestamp)
        ) as held_to_local,
        (
            stays.effective_to <= subscriptions.valid_to
            and stays.effective_to <= accounts.closed_date
            and not stays.is_followed
        )
        or (
            accounts.closed_date < stays.effective_to
            and accounts.closed_date <= subscriptions.valid_to
        ) as is_ended
    from accounts
    inner join cycles
        on
            accounts.legal_entity_id = cycles.legal_entity_id
            and accounts.bill_cycle_id = cycles.bill_cycle_id
    inner join subscriptions
        on
            accounts.billing_account_id = subscriptions.billing_account_id
            and accounts.crm_sequence = subscriptions.crm_sequence
    inner join stays
        on
            subscriptions.subscription_id = stays.subscription_id
            and subscriptions.crm_sequence = stays.crm_sequence
            and greatest(stays.starts_local, cast(subscriptions.valid_from as timestamp))
            < least(
                stays.ends_local,
                cast(least(subscriptions.valid_to, accounts.closed_date) as timestamp)
            )

),

-- A trial is had once, from the first day on the plan.
charged as (

    select
        held.*,
        recurring_charges.recurring_charge_id,
        recurring_charges.charge_code,
        recurring_charges.amount,
        recurring_charges.currency_code,
        recurring_charges.billing_timing,
        recurring_charges.proration,
        recurring_charges.interval_months,
        recurring_charges.interval_weeks,
        recurring_charges.alignment,
        recurring_charges.charged_while_suspended,
        recurring_charges.tax_category,
        recurring_charges.valid_from,
        recurring_charges.valid_to,
        greatest(
            held.stay_from,
            {{ add_days('held.plan_start_date', 'recurring_charges.trial_days') }}
        ) as charge_start_date,
        case
            when
                recurring_charges.proration = 'days_inclusive'
                and held.is_ended
                and held.held_to < cast('9999-12-31' as date)
                then {{ add_days('held.held_to', 1) }}
            else held.held_to
        end as charged_to
    from held
    inner join recurring_charges on held.plan_id = recurring_charges.plan_id

),

-- D-043: which periods the charge follows.
aligned as (

    select
        charged.*,
        case
            when coalesce(charged.interval_months, charged.interval_weeks) is null
                then charged.cycle_grid_id
            when charged.interval_weeks > 0
                then {{ grid_id(
                    "'week'", 'charged.interval_weeks',
                    "mod(
                        case charged.alignment
                            when 'cycle' then 3654 + charged.anchor_weekday - 1
                            when 'renewal'
                                then " ~ days_between(
                                    "cast('2000-01-03' as date)", 'charged.activated_date'
                                ) ~ "
                            else " ~ days_between(
                                    "cast('2000-01-03' as date)", 'charged.charge_start_date'
                                ) ~ "
                        end,
                        7 * charged.interval_weeks
                    )",
                    '1'
                ) }}
            else {{ grid_id(
                "'month'", 'charged.interval_months',
                "mod(
                    case charged.alignment
                        when 'cycle' then 120 + charged.anchor_month - 1
                        when 'renewal' then " ~ months_since_2000('charged.activated_date') ~ "
                        else " ~ months_since_2000('charged.charge_start_date') ~ "
                    end,
                    charged.interval_months
                )",
                "case charged.alignment
                    when 'renewal' then cast(extract(day from charged.activated_date) as integer)
                    else charged.anchor_day
                end"
            ) }}
        end as grid_id,
        greatest(
            case
                when charged.proration = 'seconds' then charged.held_from_local
                else cast(charged.held_from as timestamp)
            end,
            cast(greatest(charged.charge_start_date, charged.valid_from) as timestamp)
        ) as due_from_local,
        least(
            case
                when charged.proration = 'seconds' then charged.held_to_local
                else cast(charged.charged_to as timestamp)
            end,
            cast(charged.valid_to as timestamp)
        ) as due_to_local
    from charged

),

-- In advance to the end of the period that contains the bill date, in arrears to its start or to
-- the end of what has ended. What begins after the bill date waits. Without a word of what the
-- system before had charged, from the later of the charge's start and go-live.
terms as (

    select
        concat_ws(
            '/', aligned.pass_id, aligned.billing_account_id, aligned.subscription_id,
            aligned.plan_id, aligned.charge_code, cast(aligned.held_from_local as string),
            aligned.recurring_charge_id
        ) as term_id,
        aligned.pass_id,
        aligned.billing_account_id,
        aligned.subscription_id,
        aligned.plan_id,
        aligned.charge_code,
        aligned.recurring_charge_id,
        aligned.stay_from,
        aligned.plan_start_date,
        aligned.activated_date,
        aligned.time_zone,
        aligned.bill_date,
        aligned.amount,
        aligned.currency_code,
        aligned.proration,
        aligned.charged_while_suspended,
        aligned.tax_category,
        aligned.grid_id,
        aligned.valid_from,
        aligned.valid_to,
        opening.charged_through_date as opening_charged_through_date,
        aligned.stay_from < aligned.go_live_date as is_before_go_live,
        (aligned.account_from <= aligned.go_live_date or aligned.is_first_account)
        and aligned.account_to > aligned.go_live_date as is_account_of_opening,
        aligned.due_from_local,
        aligned.due_to_local,
        greatest(
            aligned.due_from_local,
            cast(
                least(
                    aligned.go_live_date,
                    coalesce(opening.charged_through_date, aligned.go_live_date)
                ) as timestamp
            )
        ) as billable_from_local,
        case
            when greatest(aligned.held_from, aligned.charge_start_date) <= aligned.bill_date
                then
                    least(
                        aligned.due_to_local,
                        case
                            when aligned.billing_timing = 'advance'
                                then cast(periods.period_end as timestamp)
                            when aligned.charged_to <= aligned.bill_date
                                then aligned.due_to_local
                            else cast(periods.period_start as timestamp)
                        end
                    )
        end as billable_to_local
    from aligned
    inner join periods
        on
            aligned.grid_id = periods.grid_id
            and aligned.bill_date >= periods.period_start
            and aligned.bill_date < periods.period_end
    left join opening
        on
            aligned.subscription_id = opening.subscription_id
            and aligned.plan_id = opening.plan_id

)

select * from terms
