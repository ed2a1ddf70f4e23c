with

terms as (

    select * from {{ ref('int_recurring_charges__terms') }}

),

accounts as (

    select
        pass_id,
        billing_account_id,
        crm_sequence
    from {{ ref('int_accounts__in_scope') }}

),

overrides as (

    select * from {{ ref('stg_landing__price_overrides') }}

),

phases as (

    select
        price_phase_id,
        plan_id,
        charge_code,
        counted_from,
        from_month,
        to_month,
        amount,
        currency_code,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('price_phases') }}

),

of_charges as (

    select
        term_id,
        recurring_charge_id as price_id,
        4 as price_rank,
        amount,
        currency_code,
        cast(valid_from as timestamp) as from_local,
        cast(valid_to as timestamp) as to_local
    from terms

),

-- By months since the first day on the plan, or since the activation.
counted as (

    select
        terms.term_id,
        phases.price_phase_id as price_id,
        3 as price_rank,
        phases.amount,
        phases.currency_code,
        phases.valid_from,
        phases.valid_to,
        phases.from_month,
        phases.to_month,
        case phases.counted_from
            when 'activation' then terms.activated_date
            else terms.plan_start_date
        end as first_date
    from terms
    inner join phases
        on terms.plan_id = phases.plan_id and terms.charge_code = phases.charge_code

),

of_phases as (

    select
        term_id,
        price_id,
        price_rank,
        amount,
        currency_code,
        cast(greatest(valid_from, {{ add_months('first_date', 'from_month') }}) as timestamp)
            as from_local,
        cast(
            case
                when to_month is null then valid_to
                else least(valid_to, {{ add_months('first_date', 'to_month') }})
            end as timestamp
        ) as to_local
    from counted

),

-- What was agreed with a subscriber counts before what was agreed with the account.
of_overrides as (

    select
        terms.term_id,
        overrides.price_override_id as price_id,
        case when overrides.subscription_id is not null then 1 else 2 end as price_rank,
        overrides.amount,
        overrides.currency_code,
        cast(overrides.valid_from as timestamp) as from_local,
        cast(coalesce(overrides.valid_to, cast('9999-12-31' as date)) as timestamp) as to_local
    from terms
    inner join accounts
        on
            terms.pass_id = accounts.pass_id
            and terms.billing_account_id = accounts.billing_account_id
    inner join overrides
        on
            terms.charge_code = overrides.charge_code
            and coalesce(overrides.subscription_id, terms.subscription_id) = terms.subscription_id
            and coalesce(overrides.billing_account_id, terms.billing_account_id)
            = terms.billing_account_id
            and coalesce(overrides.plan_id, terms.plan_id) = terms.plan_id
            and overrides.landing_sequence <= accounts.crm_sequence
            and coalesce(overrides.superseded_sequence, accounts.crm_sequence + 1)
            > accounts.crm_sequence

),

dated as (

    select * from of_charges
    union all
    select * from of_phases
    where from_local < to_local
    union all
    select * from of_overrides

)

select * from dated
