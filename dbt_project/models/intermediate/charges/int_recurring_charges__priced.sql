with

too_much as (

    select * from {{ ref('int_recurring_charges__overcharged') }}

),

terms as (

    select * from {{ ref('int_recurring_charges__terms') }}

),

segments as (

    select * from {{ ref('int_recurring_charges__segmented') }}

),

charged as (

    select * from {{ ref('int_recurring_charges__charged') }}

),

prices as (

    select * from {{ ref('int_recurring_prices__dated') }}

),

periods as (

    select * from {{ ref('int_periods__aligned') }}

),

-- Of what only the system before charged, the tariff says what it was.
unknown_charges as (

    select too_much.*
    from too_much
    left join charged
        on
            too_much.subscription_id = charged.subscription_id
            and too_much.plan_id = charged.plan_id
            and too_much.charge_code = charged.charge_code
            and too_much.billing_account_id
            = coalesce(charged.billing_account_id, too_much.billing_account_id)
            and too_much.from_local < charged.charged_to_local
            and too_much.to_local > charged.charged_from_local
    where charged.charge_id is null

),

opening_terms as (

    select * from terms
    where is_account_of_opening
    qualify
        row_number() over (
            partition by
                pass_id, billing_account_id, subscription_id, plan_id, charge_code,
                recurring_charge_id
            order by
                case when is_before_go_live then 0 else 1 end,
                case
                    when is_before_go_live
                        then {{ days_between('stay_from', "cast('9999-12-31' as date)") }}
                    else -{{ days_between('stay_from', "cast('9999-12-31' as date)") }}
                end
        ) = 1

),

-- D-043: to charge, and to give back of what the system before charged: the same cuts.
spans as (

    select
        terms.term_id,
        terms.pass_id,
        terms.billing_account_id,
        terms.subscription_id,
        terms.plan_id,
        terms.charge_code,
        terms.recurring_charge_id,
        terms.time_zone,
        terms.grid_id,
        terms.proration,
        terms.tax_category,
        1 as direction,
        greatest(segments.from_local, terms.billable_from_local) as from_local,
        least(segments.to_local, terms.billable_to_local) as to_local
    from segments
    inner join terms
        on
            segments.pass_id = terms.pass_id
            and segments.billing_account_id = terms.billing_account_id
            and segments.subscription_id = terms.subscription_id
            and segments.plan_id = terms.plan_id
            and segments.charge_code = terms.charge_code
            and segments.from_local < terms.billable_to_local
            and segments.to_local > terms.billable_from_local
            and terms.billable_from_local < terms.billable_to_local
    where segments.is_billable and not segments.is_covered
    union all
    select
        opening_terms.term_id,
        opening_terms.pass_id,
        opening_terms.billing_account_id,
        opening_terms.subscription_id,
        opening_terms.plan_id,
        opening_terms.charge_code,
        opening_terms.recurring_charge_id,
        opening_terms.time_zone,
        opening_terms.grid_id,
        opening_terms.proration,
        opening_terms.tax_category,
        -1 as direction,
        greatest(unknown_charges.from_local, cast(opening_terms.valid_from as timestamp))
            as from_local,
        least(unknown_charges.to_local, cast(opening_terms.valid_to as timestamp)) as to_local
    from unknown_charges
    inner join opening_terms
        on
            unknown_charges.pass_id = opening_terms.pass_id
            and unknown_charges.billing_account_id = opening_terms.billing_account_id
            and unknown_charges.subscription_id = opening_terms.subscription_id
            and unknown_charges.plan_id = opening_terms.plan_id
            and unknown_charges.charge_code = opening_terms.charge_code
            and unknown_charges.from_local < cast(opening_terms.valid_to as timestamp)
            and unknown_charges.to_local > cast(opening_terms.valid_from as timestamp)

),

in_periods as (

    select
        spans.*,
        periods.period_start as aligned_period_start,
        periods.period_end as aligned_period_end,
        case spans.direction when 1 then spans.to_local else spans.from_local end
            as charged_through_local,
        greatest(spans.from_local, cast(periods.period_start as timestamp)) as part_from_local,
        least(spans.to_local, cast(periods.period_end as timestamp)) as part_to_local
    from spans
    inner join periods
        on
            spans.grid_id = periods.grid_id
            and spans.from_local < cast(periods.period_end as timestamp)
            and spans.to_local > cast(periods.period_start as timestamp)

),

-- What is not prorated is charged once for a begun period, and given back for a period not begun.
begun as (

    select distinct
        in_periods.pass_id,
        in_periods.billing_account_id,
        in_periods.subscription_id,
        in_periods.plan_id,
        in_periods.charge_code,
        in_periods.aligned_period_start,
        in_periods.direction
    from in_periods
    inner join segments
        on
            in_periods.pass_id = segments.pass_id
            and in_periods.billing_account_id = segments.billing_account_id
            and in_periods.subscription_id = segments.subscription_id
            and in_periods.plan_id = segments.plan_id
            and in_periods.charge_code = segments.charge_code
            and cast(in_periods.aligned_period_start as timestamp) < segments.to_local
            and cast(in_periods.aligned_period_end as timestamp) > segments.from_local
            and (
                (in_periods.direction = 1 and segments.is_covered)
                or (in_periods.direction = -1 and segments.is_due)
            )
    where in_periods.proration = 'none'

),

whole as (

    select in_periods.*
    from in_periods
    left join begun
        on
            in_periods.pass_id = begun.pass_id
            and in_periods.billing_account_id = begun.billing_account_id
            and in_periods.subscription_id = begun.subscription_id
            and in_periods.plan_id = begun.plan_id
            and in_periods.charge_code = begun.charge_code
            and in_periods.aligned_period_start = begun.aligned_period_start
            and in_periods.direction = begun.direction
    where in_periods.proration = 'none' and begun.pass_id is null
    qualify
        row_number() over (
            partition by
                in_periods.pass_id, in_periods.billing_account_id, in_periods.subscription_id,
                in_periods.plan_id, in_periods.charge_code, in_periods.aligned_period_start,
                in_periods.direction
            order by in_periods.part_from_local
        ) = 1

),

prorated as (

    select * from in_periods
    where proration <> 'none'
    union all
    select * from whole

),

price_ends as (

    select
        term_id,
        from_local as at_local
    from prices
    union distinct
    select
        term_id,
        to_local as at_local
    from prices

),

-- Cut where the price changes; what is not prorated keeps the price it begins with.
price_edges as (

    select
        term_id,
        direction,
        part_from_local,
        part_from_local as at_local
    from prorated
    union distinct
    select
        prorated.term_id,
        prorated.direction,
        prorated.part_from_local,
        price_ends.at_local
    from prorated
    inner join price_ends
        on
            prorated.term_id = price_ends.term_id
            and prorated.part_from_local < price_ends.at_local
            and prorated.part_to_local > price_ends.at_local
    where prorated.proration <> 'none'

),

cut as (

    select
        prorated.*,
        price_edges.at_local as cut_from_local,
        coalesce(
            lead(price_edges.at_local) over (
                partition by prorated.term_id, prorated.direction, prorated.part_from_local
                order by price_edges.at_local
            ),
            prorated.part_to_local
        ) as cut_to_local
    from prorated
    inner join price_edges
        on
            prorated.term_id = price_edges.term_id
            and prorated.direction = price_edges.direction
            and prorated.part_from_local = price_edges.part_from_local

),

priced as (

    select
        cut.*,
        prices.price_id,
        prices.amount as price_amount,
        prices.currency_code,
        {{ proration_units(
            'cut.proration', 'cut.cut_from_local', 'cut.cut_to_local', 'cut.time_zone'
        ) }} as charged_units,
        {{ proration_units(
            'cut.proration', 'cast(cut.aligned_period_start as timestamp)',
            'cast(cut.aligned_period_end as timestamp)', 'cut.time_zone'
        ) }} as period_units
    from cut
    inner join prices
        on
            cut.term_id = prices.term_id
            and cut.cut_from_local >= prices.from_local
            and cut.cut_from_local < prices.to_local
    qualify
        row_number() over (
            partition by cut.term_id, cut.direction, cut.cut_from_local
            order by prices.price_rank asc, prices.from_local desc, prices.price_id asc
        ) = 1

),

from_tariff as (

    select
        pass_id,
        billing_account_id,
        subscription_id,
        plan_id,
        charge_code,
        recurring_charge_id,
        price_id,
        case when direction < 0 then concat('opening/', subscription_id, '/', plan_id) end
            as corrected_charge_id,
        currency_code,
        tax_category,
        proration,
        charged_units,
        period_units,
        price_amount,
        {{ prorate('direction * price_amount', 'charged_units', 'period_units') }} as amount,
        aligned_period_start,
        aligned_period_end,
        cut_from_local as from_local,
        cut_to_local as to_local,
        charged_through_local
    from priced

)

select * from from_tariff
