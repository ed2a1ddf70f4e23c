{{
    config(
        materialized='incremental',
        incremental_strategy='replace_runs',
        on_schema_change='fail'
    )
}}

with recursive

charges as (

    select
        priced.pass_id,
        priced.charge_id,
        priced.billing_account_id,
        priced.subscription_id,
        priced.currency_code,
        priced.tax_category,
        priced.amount,
        priced.tax_point_date,
        priced.period_start,
        priced.period_end
    from {{ ref('int_charges__priced') }} as priced
    inner join {{ ref('int_passes__in_scope') }} as passes on priced.pass_id = passes.pass_id

),

accounts as (

    select
        pass_id,
        billing_account_id,
        payer_account_id
    from {{ ref('int_accounts__in_scope') }}

),

matched as (

    select * from {{ ref('int_charge_rules__matched') }}
    where rule_type = 'promotion'

),

promotions as (

    select
        promotion_id,
        eligibility,
        measured_over,
        currency_code,
        stacking,
        discount_percent,
        computed_on,
        line_per,
        minimum_amount,
        maximum_amount,
        duration_months,
        priority,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('promotions') }}

),

activations as (

    select distinct
        subscription_id,
        activated_date
    from {{ ref('int_subscription_plans__effective') }}

),

currencies as (

    select
        currency_code,
        minor_units
    from {{ ref('currencies') }}

),

exchange_rates as (

    select * from {{ ref('int_exchange_rates__in_force') }}

),

used as (

    select * from {{ ref('int_charge_rules__used') }}
    where rule_type = 'promotion'

),

-- A period that begins before a promotion ends is reduced as a whole, given back parts as well.
eligible as (

    select
        charges.pass_id,
        charges.charge_id,
        charges.billing_account_id,
        charges.subscription_id,
        promotions.promotion_id,
        case promotions.measured_over
            when 'subscription' then charges.subscription_id
            when 'group' then accounts.payer_account_id
            else charges.billing_account_id
        end as holder_id,
        charges.currency_code,
        charges.tax_category,
        promotions.stacking,
        promotions.discount_percent,
        -- D-180: which charges stand together in one line of the discount.
        case
            when coalesce(promotions.line_per, 'subscription') <> 'account'
                then charges.subscription_id
        end as line_subscription_id,
        case when promotions.line_per = 'charge' then charges.charge_id end as line_charge_id,
        {{ exchanged('promotions.minimum_amount', 'exchange_rates.exchange_rate') }}
            as minimum_amount,
        {{ exchanged('promotions.maximum_amount', 'exchange_rates.exchange_rate') }}
            as maximum_amount,
        promotions.priority,
        {{ discount_base('charges.amount', 'promotions.computed_on', 'currencies.minor_units') }}
            as amount,
        charges.tax_point_date,
        matched.aligned_period_start,
        charges.period_start,
        charges.period_end
    from matched
    inner join charges
        on matched.pass_id = charges.pass_id and matched.charge_id = charges.charge_id
    inner join promotions on matched.rule_id = promotions.promotion_id
    inner join accounts
        on
            charges.pass_id = accounts.pass_id
            and charges.billing_account_id = accounts.billing_account_id
    inner join currencies on charges.currency_code = currencies.currency_code
    inner join activations on charges.subscription_id = activations.subscription_id
    inner join exchange_rates
        on
            charges.pass_id = exchange_rates.pass_id
            and promotions.currency_code = exchange_rates.from_currency_code
            and charges.currency_code = exchange_rates.to_currency_code
    where
        (
            promotions.eligibility = 'period'
            and matched.last_day >= promotions.valid_from
            and matched.last_day < promotions.valid_to
        )
        or (
            promotions.eligibility = 'activation'
            and activations.activated_date >= promotions.valid_from
            and activations.activated_date < promotions.valid_to
            and (
                promotions.duration_months = 0
                or matched.aligned_period_start
                < {{ add_months('activations.activated_date', 'promotions.duration_months') }}
            )
        )

),

measured as (

    select
        eligible.*,
        cast(
            sum(eligible.amount) over (
                partition by
                    eligible.pass_id, eligible.promotion_id, eligible.holder_id,
                    eligible.aligned_period_start
            ) + coalesce(used.measured_amount, 0) as decimal(18, 6)
        ) as measured_amount,
        coalesce(used.taken_amount, cast(0 as decimal(18, 6))) as taken_before_amount
    from eligible
    left join used
        on
            eligible.promotion_id = used.rule_id
            and eligible.holder_id = used.holder_id
            and eligible.aligned_period_start = used.aligned_period_start

),

in_turn as (

    select
        measured.*,
        row_number() over (
            partition by measured.charge_id
            order by measured.priority, measured.promotion_id
        ) as turn
    from measured
    where measured.minimum_amount = 0 or measured.measured_amount >= measured.minimum_amount

),

-- An exclusive promotion applies as the first, and then alone.
applied as (

    select
        in_turn.*,
        row_number() over (
            partition by in_turn.charge_id
            order by in_turn.turn
        ) as step
    from in_turn
    inner join in_turn as firsts
        on in_turn.charge_id = firsts.charge_id and firsts.turn = 1
    where
        in_turn.turn = 1
        or (in_turn.stacking <> 'exclusive' and firsts.stacking <> 'exclusive')

),

stacked as (

    select
        charge_id,
        promotion_id,
        step,
        amount as base_amount,
        {{ share_of('amount', 'discount_percent', 100) }} as taken_amount,
        cast(amount - {{ share_of('amount', 'discount_percent', 100) }} as decimal(18, 6))
            as left_amount
    from applied
    where step = 1
    union all
    select
        applied.charge_id,
        applied.promotion_id,
        applied.step,
        case applied.stacking when 'on_list' then applied.amount else stacked.left_amount end
            as base_amount,
        {{ taken_by_promotion('applied', 'stacked') }} as taken_amount,
        cast(
            stacked.left_amount - {{ taken_by_promotion('applied', 'stacked') }} as decimal(18, 6)
        ) as left_amount
    from applied
    inner join stacked
        on applied.charge_id = stacked.charge_id and applied.step = stacked.step + 1

),

summed as (

    select
        applied.pass_id,
        applied.charge_id,
        applied.billing_account_id,
        applied.subscription_id,
        applied.promotion_id,
        applied.holder_id,
        applied.currency_code,
        applied.tax_category,
        applied.line_subscription_id,
        applied.line_charge_id,
        stacked.base_amount,
        stacked.taken_amount,
        cast(
            applied.maximum_amount - applied.taken_before_amount as decimal(18, 6)
        ) as allowed_amount,
        cast(sum(stacked.taken_amount) over promotion_of_period as decimal(18, 6))
            as all_taken_amount,
        cast(sum(stacked.taken_amount) over promotion_so_far as decimal(18, 6))
            as taken_so_far_amount,
        applied.tax_point_date,
        applied.aligned_period_start,
        applied.period_start,
        applied.period_end
    from applied
    inner join stacked
        on applied.charge_id = stacked.charge_id and applied.promotion_id = stacked.promotion_id
    window
        promotion_of_period as (
            partition by
                applied.pass_id, applied.promotion_id, applied.holder_id,
                applied.aligned_period_start
        ),
        promotion_so_far as (
            partition by
                applied.pass_id, applied.promotion_id, applied.holder_id,
                applied.aligned_period_start
            order by applied.charge_id
            rows between unbounded preceding and current row
        )

),

-- What exceeds the most that a promotion takes a period is cut from all its charges alike.
cut as (

    select
        summed.*,
        {{ part_of(
            'summed.allowed_amount', 'summed.taken_so_far_amount', 'summed.all_taken_amount'
        ) }}
            as allowed_so_far_amount,
        {{ part_of(
            'summed.allowed_amount', '(summed.taken_so_far_amount - summed.taken_amount)',
            'summed.all_taken_amount'
        ) }}
            as allowed_before_amount
    from summed
    where
        summed.allowed_amount is not null
        and summed.all_taken_amount > greatest(summed.allowed_amount, 0)

),

limited as (

    select
        summed.*,
        case
            when cut.charge_id is null then summed.taken_amount
            when cut.allowed_amount <= 0 then cast(0 as decimal(18, 6))
            else cast(cut.allowed_so_far_amount - cut.allowed_before_amount as decimal(18, 6))
        end as limited_amount
    from summed
    left join cut on summed.charge_id = cut.charge_id and summed.promotion_id = cut.promotion_id

),

running as (

    select
        limited.*,
        cast(sum(limited.limited_amount) over line_so_far as decimal(18, 6)) as so_far_amount
    from limited
    window line_so_far as (
        partition by
            limited.pass_id, limited.billing_account_id, limited.line_subscription_id,
            limited.line_charge_id, limited.promotion_id, limited.tax_category,
            limited.tax_point_date, limited.period_start, limited.period_end
        order by limited.charge_id
        rows between unbounded preceding and current row
    )

),

-- The discounts of a promotion, tax category, tax point and period are one line of the invoice, of
-- a subscription, an account or a charge; rounded running sums give each charge its part of it.
discounts as (

    select
        running.pass_id,
        running.charge_id as reduced_charge_id,
        running.billing_account_id,
        running.subscription_id,
        running.promotion_id,
        running.holder_id,
        running.line_subscription_id,
        running.line_charge_id,
        running.currency_code,
        running.tax_category,
        running.base_amount,
        cast(-running.limited_amount as decimal(18, 6)) as amount,
        cast(
            {{ round_money(
                '(running.so_far_amount - running.limited_amount)', 'currencies.minor_units'
            ) }}
            - {{ round_money('running.so_far_amount', 'currencies.minor_units') }}
            as decimal(18, 4)
        ) as rounded_amount,
        running.aligned_period_start,
        running.period_start,
        running.period_end
    from running
    inner join currencies on running.currency_code = currencies.currency_code

)

select * from discounts
where amount <> 0
