with

recurring as (

    select * from {{ ref('int_charges__recurring') }}

),

usage_charges as (

    select * from {{ ref('int_charges__usage') }}

),

subscription_plans as (

    select
        subscription_id,
        plan_id,
        activated_date,
        effective_from,
        effective_to
    from {{ ref('int_subscription_plans__effective') }}

),

promotions as (

    select
        promotion_id,
        plan_id,
        charge_type,
        discount_percent,
        minimum_amount,
        duration_months,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('promotions') }}

),

activations as (

    select distinct
        subscription_id,
        activated_date
    from subscription_plans

),

-- A period that begins before the promotion ends is reduced as a whole, given back parts as well.
on_recurring as (

    select
        recurring.pass_id,
        recurring.billing_account_id,
        recurring.subscription_id,
        recurring.plan_id,
        promotions.promotion_id,
        recurring.currency_code,
        recurring.tax_category,
        promotions.discount_percent,
        cast(sum(recurring.amount) as decimal(18, 6)) as discounted_amount,
        recurring.period_start,
        recurring.period_end
    from recurring
    inner join activations on recurring.subscription_id = activations.subscription_id
    inner join promotions
        on
            recurring.plan_id = promotions.plan_id
            and promotions.charge_type = 'recurring'
            and activations.activated_date >= promotions.valid_from
            and activations.activated_date < promotions.valid_to
            and (
                promotions.duration_months = 0
                or recurring.aligned_period_start
                < {{ add_months('activations.activated_date', 'promotions.duration_months') }}
            )
    group by
        recurring.pass_id,
        recurring.billing_account_id,
        recurring.subscription_id,
        recurring.plan_id,
        promotions.promotion_id,
        recurring.currency_code,
        recurring.tax_category,
        promotions.discount_percent,
        recurring.period_start,
        recurring.period_end

),

usage_totals as (

    select
        pass_id,
        billing_account_id,
        subscription_id,
        currency_code,
        tax_category,
        cast(sum(amount) as decimal(18, 6)) as taxed_amount,
        cast(sum(sum(amount)) over (
            partition by pass_id, subscription_id, currency_code, period_start, period_end
        ) as decimal(18, 6)) as usage_amount,
        period_start,
        period_end
    from usage_charges
    group by
        pass_id, billing_account_id, subscription_id, currency_code, tax_category, period_start,
        period_end

),

-- The plan held on the last day of the usage period decides.
on_usage as (

    select
        usage_totals.pass_id,
        usage_totals.billing_account_id,
        usage_totals.subscription_id,
        promotions.plan_id,
        promotions.promotion_id,
        usage_totals.currency_code,
        usage_totals.tax_category,
        promotions.discount_percent,
        usage_totals.taxed_amount as discounted_amount,
        usage_totals.period_start,
        usage_totals.period_end
    from usage_totals
    inner join subscription_plans
        on
            usage_totals.subscription_id = subscription_plans.subscription_id
            and subscription_plans.effective_from < usage_totals.period_end
            and subscription_plans.effective_to >= usage_totals.period_end
    inner join promotions
        on
            subscription_plans.plan_id = promotions.plan_id
            and promotions.charge_type = 'usage'
            and usage_totals.period_end > promotions.valid_from
            and usage_totals.period_end <= promotions.valid_to
            and usage_totals.usage_amount >= promotions.minimum_amount

),

combined as (

    select * from on_recurring
    union all
    select * from on_usage

),

discounts as (

    select
        pass_id,
        billing_account_id,
        subscription_id,
        plan_id,
        promotion_id,
        currency_code,
        tax_category,
        {{ share_of('-discounted_amount', 'discount_percent', 100) }} as amount,
        period_start,
        period_end
    from combined

)

select * from discounts
where amount <> 0
