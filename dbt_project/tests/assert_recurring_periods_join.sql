{{ config(meta={'dagster': {'ref': {'name': 'int_charges__combined'}}}) }}

-- Across all runs, and before anything of the present ones is issued: no time of a subscription's
-- charge is charged twice, none is given back that was not charged, and of what is billed now no
-- time that is due lies uncharged between what is charged.
with

unissued as (

    select pass_id from {{ ref('int_passes__unissued') }}

),

charges as (

    select
        charge_id,
        subscription_id,
        plan_id,
        charge_code,
        corrected_charge_id,
        coalesce(charged_from_local, cast(period_start as timestamp)) as from_local,
        coalesce(charged_to_local, cast(period_end as timestamp)) as to_local
    from {{ ref('stg_issued__charges') }}
    where charge_type = 'recurring'
    union all
    select
        computed.charge_id,
        computed.subscription_id,
        computed.plan_id,
        computed.charge_code,
        computed.corrected_charge_id,
        computed.charged_from_local as from_local,
        computed.charged_to_local as to_local
    from {{ ref('int_charges__combined') }} as computed
    inner join unissued on computed.pass_id = unissued.pass_id
    where computed.charge_type = 'recurring'

),

-- What is given back of the system before's charges has no charge here.
signed as (

    select
        charges.subscription_id,
        charges.plan_id,
        charges.charge_code,
        case when charges.corrected_charge_id is null then 1 else -1 end as covered,
        charges.from_local,
        charges.to_local
    from charges
    left join charges as corrected on charges.corrected_charge_id = corrected.charge_id
    where charges.corrected_charge_id is null or corrected.charge_id is not null

),

edges as (

    select
        subscription_id,
        plan_id,
        charge_code,
        covered,
        from_local as at_local
    from signed
    union all
    select
        subscription_id,
        plan_id,
        charge_code,
        -covered as covered,
        to_local as at_local
    from signed

),

stepped as (

    select
        subscription_id,
        plan_id,
        charge_code,
        at_local,
        sum(covered) as covered
    from edges
    group by subscription_id, plan_id, charge_code, at_local

),

covered as (

    select
        subscription_id,
        plan_id,
        charge_code,
        sum(covered) over (
            partition by subscription_id, plan_id, charge_code
            order by at_local
            rows between unbounded preceding and current row
        ) as times_charged,
        at_local as from_local,
        lead(at_local) over (
            partition by subscription_id, plan_id, charge_code
            order by at_local
        ) as to_local
    from stepped

),

due as (

    select
        terms.subscription_id,
        terms.plan_id,
        terms.charge_code,
        accounts.crm_sequence,
        accounts.bill_date,
        terms.charged_while_suspended,
        terms.billable_from_local as from_local,
        terms.billable_to_local as to_local
    from {{ ref('int_recurring_charges__terms') }} as terms
    inner join unissued on terms.pass_id = unissued.pass_id
    inner join {{ ref('int_accounts__in_scope') }} as accounts
        on
            terms.pass_id = accounts.pass_id
            and terms.billing_account_id = accounts.billing_account_id
    where terms.proration <> 'none'

),

missing as (

    select
        covered.subscription_id,
        covered.plan_id,
        covered.charge_code,
        greatest(covered.from_local, due.from_local) as from_local,
        least(covered.to_local, due.to_local) as to_local
    from covered
    inner join due
        on
            covered.subscription_id = due.subscription_id
            and covered.plan_id = due.plan_id
            and covered.charge_code = due.charge_code
            and covered.from_local < due.to_local
            and covered.to_local > due.from_local
            and due.from_local < due.to_local
    left join {{ ref('int_subscription_suspensions__known') }} as suspensions
        on
            not due.charged_while_suspended
            and due.subscription_id = suspensions.subscription_id
            and due.crm_sequence = suspensions.crm_sequence
            and suspensions.valid_from <= due.bill_date
            and cast(suspensions.valid_from as timestamp) <= covered.from_local
            and (
                suspensions.valid_to > due.bill_date
                or cast(suspensions.valid_to as timestamp)
                >= least(covered.to_local, due.to_local)
            )
    where covered.times_charged = 0 and suspensions.subscription_id is null

)

select
    subscription_id,
    plan_id,
    charge_code,
    from_local,
    to_local,
    'charged twice, or given back twice' as problem
from covered
where times_charged not in (0, 1)
union all
select
    subscription_id,
    plan_id,
    charge_code,
    from_local,
    to_local,
    'not charged' as problem
from missing
