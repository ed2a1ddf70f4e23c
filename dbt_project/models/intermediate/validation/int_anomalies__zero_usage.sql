with

rule as (

    select
        pass_id,
        rule_id
    from {{ ref('int_review_rules__in_scope') }}
    where rule_id = 'zero_usage'

),

accounts as (

    select
        pass_id,
        billing_account_id,
        crm_sequence,
        period_start,
        period_end,
        {{ to_utc('period_start', 'time_zone') }} as starts_at,
        {{ to_utc('period_end', 'time_zone') }} as ends_at
    from {{ ref('int_accounts__in_scope') }}
    -- A bill on demand may cover a day: its silence says nothing.
    where pass_kind <> 'off_cycle'

),

suspensions as (

    select
        crm_sequence,
        subscription_id,
        valid_from,
        valid_to
    from {{ ref('int_subscription_suspensions__known') }}

),

-- Who was suspended for a part of it may well be silent.
whole_period as (

    select
        accounts.pass_id,
        accounts.billing_account_id,
        accounts.starts_at,
        accounts.ends_at,
        subscription_plans.subscription_id
    from accounts
    inner join {{ ref('int_subscription_plans__effective') }} as subscription_plans
        on
            accounts.billing_account_id = subscription_plans.billing_account_id
            and subscription_plans.plan_type = 'plan'
            and subscription_plans.effective_from <= accounts.period_start
            and subscription_plans.effective_to >= accounts.period_end
    left join suspensions
        on
            subscription_plans.subscription_id = suspensions.subscription_id
            and accounts.crm_sequence = suspensions.crm_sequence
            and suspensions.valid_from < accounts.period_end
            and suspensions.valid_to > accounts.period_start
    where suspensions.subscription_id is null

),

used as (

    select distinct
        whole_period.pass_id,
        whole_period.subscription_id
    from whole_period
    inner join {{ ref('int_usage__arrived') }} as arrived
        on
            whole_period.subscription_id = arrived.subscription_id
            and arrived.started_at >= whole_period.starts_at
            and arrived.started_at < whole_period.ends_at

),

past as (

    select
        billing_account_id,
        max(total_amount) as largest_amount
    from {{ ref('int_bills__past') }}
    group by billing_account_id

),

found as (

    select
        whole_period.pass_id,
        whole_period.billing_account_id,
        rule.rule_id,
        concat('no record of subscription ', whole_period.subscription_id) as seen,
        'usage on an active subscription' as expected,
        coalesce(past.largest_amount, cast(0 as decimal(18, 4))) as amount_at_stake
    from whole_period
    inner join rule on whole_period.pass_id = rule.pass_id
    left join used
        on
            whole_period.pass_id = used.pass_id
            and whole_period.subscription_id = used.subscription_id
    left join past on whole_period.billing_account_id = past.billing_account_id
    where used.subscription_id is null

)

select * from found
