with

stays as (

    select
        subscription_id,
        billing_account_id,
        plan_id,
        plan_type,
        rate_plan_id,
        time_band_set_id,
        effective_from,
        effective_to
    from {{ ref('int_subscription_plans__effective') }}

),

overrides as (

    select
        overrides.rate_plan_override_id,
        overrides.billing_account_id,
        overrides.subscription_id,
        rated_plans.rate_plan_id,
        rated_plans.time_band_set_id,
        overrides.valid_from,
        coalesce(overrides.valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('stg_landing__rate_plan_overrides') }} as overrides
    inner join {{ ref('plans') }} as rated_plans on overrides.plan_id = rated_plans.plan_id
    where overrides.superseded_sequence is null and rated_plans.rate_plan_id is not null

),

subscriptions as (

    select
        subscription_id,
        billing_account_id,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('int_subscriptions__dated') }}

),

-- What was agreed with an account holds while it pays for the subscription.
agreed as (

    select
        subscription_id,
        rate_plan_override_id,
        rate_plan_id,
        time_band_set_id,
        1 as agreement_rank,
        valid_from,
        valid_to
    from overrides
    where subscription_id is not null
    union all
    select
        subscriptions.subscription_id,
        overrides.rate_plan_override_id,
        overrides.rate_plan_id,
        overrides.time_band_set_id,
        2 as agreement_rank,
        greatest(overrides.valid_from, subscriptions.valid_from) as valid_from,
        least(overrides.valid_to, subscriptions.valid_to) as valid_to
    from overrides
    inner join subscriptions on overrides.billing_account_id = subscriptions.billing_account_id

),

-- Options price no usage.
overlapping as (

    select
        stays.subscription_id,
        stays.plan_id,
        stays.effective_from as stay_from,
        stays.effective_to as stay_to,
        agreed.rate_plan_override_id,
        agreed.rate_plan_id,
        agreed.time_band_set_id,
        agreed.agreement_rank,
        greatest(agreed.valid_from, stays.effective_from) as from_date,
        least(agreed.valid_to, stays.effective_to) as to_date
    from stays
    inner join agreed
        on
            stays.subscription_id = agreed.subscription_id
            and stays.effective_from < agreed.valid_to
            and stays.effective_to > agreed.valid_from
            and agreed.valid_from < agreed.valid_to
    where stays.rate_plan_id is not null

),

bounds as (

    {% for bound in ['stay_from', 'from_date', 'to_date'] %}
        select
            subscription_id,
            plan_id,
            stay_from,
            stay_to,
            {{ bound }} as from_date
        from overlapping
        where {{ bound }} < stay_to
        {% if not loop.last %}union distinct{% endif %}
    {% endfor %}

),

stretches as (

    select
        *,
        coalesce(
            lead(from_date) over (
                partition by subscription_id, plan_id, stay_from
                order by from_date
            ),
            stay_to
        ) as to_date
    from bounds

),

-- The subscription's own agreement comes before its account's, the later one before the earlier.
ranked as (

    select
        stretches.subscription_id,
        stretches.plan_id,
        stretches.stay_from,
        stretches.from_date,
        stretches.to_date,
        overlapping.rate_plan_id,
        overlapping.time_band_set_id,
        row_number() over (
            partition by
                stretches.subscription_id, stretches.plan_id, stretches.stay_from,
                stretches.from_date
            order by
                overlapping.agreement_rank asc, overlapping.from_date desc,
                overlapping.rate_plan_override_id asc
        ) as choice_number
    from stretches
    left join overlapping
        on
            stretches.subscription_id = overlapping.subscription_id
            and stretches.plan_id = overlapping.plan_id
            and stretches.stay_from = overlapping.stay_from
            and stretches.from_date >= overlapping.from_date
            and stretches.to_date <= overlapping.to_date

),

priced as (

    select
        stays.subscription_id,
        stays.billing_account_id,
        stays.plan_id,
        stays.plan_type,
        coalesce(ranked.rate_plan_id, stays.rate_plan_id) as rate_plan_id,
        coalesce(ranked.time_band_set_id, stays.time_band_set_id) as time_band_set_id,
        coalesce(ranked.from_date, stays.effective_from) as effective_from,
        coalesce(ranked.to_date, stays.effective_to) as effective_to
    from stays
    left join ranked
        on
            stays.subscription_id = ranked.subscription_id
            and stays.plan_id = ranked.plan_id
            and stays.effective_from = ranked.stay_from
            and ranked.choice_number = 1

)

select * from priced
