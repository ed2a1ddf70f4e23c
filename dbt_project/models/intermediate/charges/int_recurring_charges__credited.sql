with

too_much as (

    select * from {{ ref('int_recurring_charges__overcharged') }}

),

segments as (

    select * from {{ ref('int_recurring_charges__segmented') }}

),

charged as (

    select * from {{ ref('int_recurring_charges__charged') }}

),

given_back as (

    select * from {{ ref('int_recurring_charges__given_back') }}

),

-- D-044: given back from the charge it was charged with.
covering as (

    select
        too_much.*,
        charged.charge_id,
        charged.source_id,
        charged.currency_code,
        charged.tax_category,
        charged.proration,
        charged.amount,
        charged.credited_amount,
        charged.charged_from_local,
        charged.charged_to_local
    from too_much
    inner join charged
        on
            too_much.subscription_id = charged.subscription_id
            and too_much.plan_id = charged.plan_id
            and too_much.charge_code = charged.charge_code
            and too_much.billing_account_id
            = coalesce(charged.billing_account_id, too_much.billing_account_id)
            and too_much.from_local >= charged.charged_from_local
            and too_much.to_local <= charged.charged_to_local
    left join given_back
        on
            charged.charge_id = given_back.corrected_charge_id
            and too_much.from_local < given_back.charged_to_local
            and too_much.to_local > given_back.charged_from_local
    where given_back.charge_id is null

),

-- A part of a period that is not prorated is given back only when nothing of the charge is due.
due_in_charge as (

    select distinct
        covering.pass_id,
        covering.charge_id
    from covering
    inner join segments
        on
            covering.pass_id = segments.pass_id
            and covering.billing_account_id = segments.billing_account_id
            and covering.subscription_id = segments.subscription_id
            and covering.plan_id = segments.plan_id
            and covering.charge_code = segments.charge_code
            and covering.charged_from_local < segments.to_local
            and covering.charged_to_local > segments.from_local
            and segments.is_due
    where covering.proration = 'none'

),

adjoining as (

    select
        covering.*,
        case
            when
                lag(covering.to_local) over (
                    partition by covering.pass_id, covering.charge_id
                    order by covering.from_local
                ) = covering.from_local
                then 0
            else 1
        end as is_change
    from covering
    left join due_in_charge
        on
            covering.pass_id = due_in_charge.pass_id
            and covering.charge_id = due_in_charge.charge_id
    where due_in_charge.charge_id is null

),

joined as (

    select
        *,
        sum(is_change) over (
            partition by pass_id, charge_id
            order by from_local
            rows between unbounded preceding and current row
        ) as part_number
    from adjoining

),

parts as (

    select
        pass_id,
        billing_account_id,
        time_zone,
        subscription_id,
        plan_id,
        charge_code,
        charge_id,
        source_id,
        currency_code,
        tax_category,
        proration,
        amount,
        credited_amount,
        charged_from_local,
        charged_to_local,
        min(from_local) as from_local,
        max(to_local) as to_local
    from joined
    group by
        pass_id,
        billing_account_id,
        time_zone,
        subscription_id,
        plan_id,
        charge_code,
        charge_id,
        source_id,
        currency_code,
        tax_category,
        proration,
        amount,
        credited_amount,
        charged_from_local,
        charged_to_local,
        part_number

),

measured_parts as (

    select
        *,
        {{ proration_units('proration', 'from_local', 'to_local', 'time_zone') }} as part_units,
        {{ proration_units('proration', 'charged_from_local', 'charged_to_local', 'time_zone') }}
            as units
    from parts

),

shared_parts as (

    select
        *,
        {{ price_units('amount', 'part_units', 'units') }} as part_amount
    from measured_parts
    where units > 0

),

-- Never more than what remains of the charge after earlier credits.
credited as (

    select
        *,
        cast(
            greatest(
                least(
                    sum(part_amount) over (
                        partition by pass_id, charge_id
                        order by from_local
                        rows between unbounded preceding and current row
                    ),
                    amount - credited_amount
                ),
                0
            )
            - greatest(
                least(
                    sum(part_amount) over (
                        partition by pass_id, charge_id
                        order by from_local
                        rows between unbounded preceding and current row
                    ) - part_amount,
                    amount - credited_amount
                ),
                0
            ) as decimal(18, 6)
        ) as remaining_amount
    from shared_parts

),

from_charges as (

    select
        pass_id,
        billing_account_id,
        subscription_id,
        plan_id,
        charge_code,
        source_id as recurring_charge_id,
        cast(null as string) as price_id,
        charge_id as corrected_charge_id,
        currency_code,
        tax_category,
        proration,
        part_units as charged_units,
        units as period_units,
        amount as price_amount,
        cast(-remaining_amount as decimal(18, 6)) as amount,
        cast(charged_from_local as date) as aligned_period_start,
        cast(charged_to_local as date) as aligned_period_end,
        from_local,
        to_local,
        from_local as charged_through_local
    from credited

)

select * from from_charges
