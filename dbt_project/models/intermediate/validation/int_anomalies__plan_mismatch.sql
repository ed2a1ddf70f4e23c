with

rule as (

    select
        pass_id,
        rule_id
    from {{ ref('int_review_rules__in_scope') }}
    where rule_id = 'plan_mismatch'

),

roaming as (

    select
        rated.pass_id,
        rated.billing_account_id,
        rated.subscription_id,
        rated.rated_amount,
        {{ event_count('rated') }} as event_count,
        cast(rated.started_local as date) as used_on
    from {{ ref('int_usage__rated') }} as rated
    inner join rule on rated.pass_id = rule.pass_id
    inner join {{ ref('zones') }} as zones on rated.zone_id = zones.zone_id
    where zones.zone_type = 'roaming'

),

including as (

    select
        subscription_id,
        effective_from,
        effective_to
    from {{ ref('int_subscription_plans__effective') }}
    where includes_roaming

),

-- What was billed before and is only computed again was found then.
not_included as (

    select
        roaming.pass_id,
        roaming.billing_account_id,
        roaming.subscription_id,
        sum(roaming.event_count) as event_count,
        cast(sum(roaming.rated_amount) as decimal(18, 4)) as rated_amount
    from roaming
    left join including
        on
            roaming.subscription_id = including.subscription_id
            and roaming.used_on >= including.effective_from
            and roaming.used_on < including.effective_to
    where including.subscription_id is null
    group by roaming.pass_id, roaming.billing_account_id, roaming.subscription_id
    having sum(roaming.event_count) > 0

),

found as (

    select
        not_included.pass_id,
        not_included.billing_account_id,
        rule.rule_id,
        concat(
            cast(not_included.event_count as string), ' roaming records of subscription ',
            not_included.subscription_id
        ) as seen,
        'a plan or option that includes roaming' as expected,
        not_included.rated_amount as amount_at_stake
    from not_included
    inner join rule on not_included.pass_id = rule.pass_id

)

select * from found
