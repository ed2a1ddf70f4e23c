{{
    config(
        materialized='incremental',
        incremental_strategy='replace_runs',
        on_schema_change='fail'
    )
}}

-- depends_on: {{ ref('int_passes__in_scope') }} (read by replace_runs)

with

accounts as (

    select
        pass_id,
        billing_account_id,
        legal_entity_id,
        bill_cycle_id,
        currency_code,
        bill_date,
        issue_date,
        go_live_date,
        coalesce(closed_date, cast('9999-12-31' as date)) as closed_date
    from {{ ref('int_accounts__in_scope') }}

),

commitments as (

    select
        commitment_id,
        description_en,
        description_de,
        plan_id,
        billing_account_id,
        measured_over,
        minimum_amount,
        currency_code,
        proration,
        tax_category,
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from {{ ref('commitments') }}

),

stays as (

    select
        subscription_id,
        billing_account_id,
        plan_id,
        effective_from,
        effective_to
    from {{ ref('int_subscription_plans__effective') }}

),

periods as (

    select * from {{ ref('int_bill_periods__aligned') }}

),

exchange_rates as (

    select * from {{ ref('int_exchange_rates__in_force') }}

),

currencies as (

    select
        currency_code,
        minor_units
    from {{ ref('currencies') }}

),

charges as (

    select * from {{ ref('int_charges__capped') }}

),

matched as (

    select * from {{ ref('int_charge_rules__matched') }}
    where rule_type = 'minimum'

),

used as (

    select * from {{ ref('int_charge_rules__used') }}
    where rule_type = 'minimum'

),

-- An account is settled up to its last bill date: a later pass looks at what ended since, and again
-- at a period that it bills anything of.
settled as (

    select
        billing_account_id,
        max(bill_date) as settled_date
    from {{ ref('stg_issued__invoices') }}
    group by billing_account_id

),

touched as (

    select distinct
        pass_id,
        billing_account_id,
        aligned_period_start
    from charges

),

due_periods as (

    select
        accounts.pass_id,
        accounts.billing_account_id,
        accounts.currency_code,
        accounts.bill_date,
        accounts.closed_date,
        periods.period_start,
        periods.period_end
    from accounts
    inner join periods
        on
            accounts.legal_entity_id = periods.legal_entity_id
            and accounts.bill_cycle_id = periods.bill_cycle_id
            and periods.period_start < accounts.bill_date
            and periods.period_start >= accounts.go_live_date
    left join settled on accounts.billing_account_id = settled.billing_account_id
    left join touched
        on
            accounts.pass_id = touched.pass_id
            and accounts.billing_account_id = touched.billing_account_id
            and periods.period_start = touched.aligned_period_start
    where
        touched.pass_id is not null
        or periods.period_end > coalesce(settled.settled_date, accounts.go_live_date)

),

-- Held from the first day to the last of a plan in the period; over an account, of any of its
-- subscriptions.
held as (

    select
        due_periods.pass_id,
        due_periods.billing_account_id,
        case commitments.measured_over
            when 'subscription' then stays.subscription_id
            else due_periods.billing_account_id
        end as holder_id,
        case commitments.measured_over when 'subscription' then stays.subscription_id end
            as subscription_id,
        commitments.commitment_id,
        due_periods.currency_code,
        due_periods.bill_date,
        due_periods.period_start,
        due_periods.period_end,
        min(greatest(stays.effective_from, due_periods.period_start)) as held_from,
        max(least(stays.effective_to, due_periods.closed_date, due_periods.period_end)) as held_to
    from due_periods
    inner join stays
        on
            due_periods.billing_account_id = stays.billing_account_id
            and stays.effective_from < due_periods.period_end
            and least(stays.effective_to, due_periods.closed_date) > due_periods.period_start
    inner join commitments
        on
            (commitments.plan_id = stays.plan_id or commitments.plan_id = '*')
            and (
                commitments.billing_account_id = due_periods.billing_account_id
                or commitments.billing_account_id = '*'
            )
            and due_periods.period_start >= commitments.valid_from
            and due_periods.period_start < commitments.valid_to
    group by
        due_periods.pass_id,
        due_periods.billing_account_id,
        case commitments.measured_over
            when 'subscription' then stays.subscription_id
            else due_periods.billing_account_id
        end,
        case commitments.measured_over when 'subscription' then stays.subscription_id end,
        commitments.commitment_id,
        due_periods.currency_code,
        due_periods.bill_date,
        due_periods.period_start,
        due_periods.period_end

),

measured as (

    select
        charges.pass_id,
        matched.rule_id as commitment_id,
        case commitments.measured_over
            when 'subscription' then charges.subscription_id
            else charges.billing_account_id
        end as holder_id,
        charges.aligned_period_start,
        cast(sum(charges.left_amount) as decimal(18, 4)) as measured_amount
    from matched
    inner join charges
        on matched.pass_id = charges.pass_id and matched.charge_id = charges.charge_id
    inner join commitments on matched.rule_id = commitments.commitment_id
    group by
        charges.pass_id,
        matched.rule_id,
        case commitments.measured_over
            when 'subscription' then charges.subscription_id
            else charges.billing_account_id
        end,
        charges.aligned_period_start

),

-- Due when the period, or what was held of it, is over: never in the middle of a period.
prorated as (

    select
        held.pass_id,
        held.billing_account_id,
        held.subscription_id,
        held.holder_id,
        held.commitment_id,
        commitments.description_en,
        commitments.description_de,
        held.currency_code,
        commitments.currency_code as committed_currency_code,
        commitments.tax_category,
        case commitments.proration
            when 'none' then cast(commitments.minimum_amount as decimal(18, 6))
            else {{ prorate(
                'commitments.minimum_amount', days_between('held.held_from', 'held.held_to'),
                days_between('held.period_start', 'held.period_end')
            ) }}
        end as minimum_amount,
        held.held_from,
        held.held_to,
        held.period_start
    from held
    inner join commitments on held.commitment_id = commitments.commitment_id
    where held.held_to <= held.bill_date

),

committed as (

    select
        prorated.pass_id,
        prorated.billing_account_id,
        prorated.subscription_id,
        prorated.holder_id,
        prorated.commitment_id,
        prorated.description_en,
        prorated.description_de,
        prorated.currency_code,
        prorated.tax_category,
        currencies.minor_units,
        {{ round_money(
            exchanged('prorated.minimum_amount', 'exchange_rates.exchange_rate'),
            'currencies.minor_units'
        ) }}
            as minimum_amount,
        prorated.held_from,
        prorated.held_to,
        prorated.period_start
    from prorated
    inner join exchange_rates
        on
            prorated.pass_id = exchange_rates.pass_id
            and prorated.committed_currency_code = exchange_rates.from_currency_code
            and prorated.currency_code = exchange_rates.to_currency_code
    inner join currencies on prorated.currency_code = currencies.currency_code

),

-- A period that was made up for before is made up for anew: what came late counts towards it.
made_up as (

    select
        committed.pass_id,
        committed.billing_account_id,
        committed.subscription_id,
        committed.holder_id,
        committed.commitment_id,
        committed.description_en,
        committed.description_de,
        committed.currency_code,
        committed.tax_category,
        committed.minor_units,
        committed.minimum_amount,
        cast(
            coalesce(measured.measured_amount, 0)
            + {{ round_money('coalesce(used.measured_amount, 0)', 'committed.minor_units') }}
            as decimal(18, 4)
        ) as measured_amount,
        {{ round_money('coalesce(used.taken_amount, 0)', 'committed.minor_units') }}
            as made_up_before_amount,
        committed.period_start as aligned_period_start,
        committed.held_from as period_start,
        committed.held_to as period_end
    from committed
    left join measured
        on
            committed.pass_id = measured.pass_id
            and committed.commitment_id = measured.commitment_id
            and committed.holder_id = measured.holder_id
            and committed.period_start = measured.aligned_period_start
    left join used
        on
            committed.commitment_id = used.rule_id
            and committed.holder_id = used.holder_id
            and committed.period_start = used.aligned_period_start

),

minimums as (

    select
        made_up.pass_id,
        concat_ws(
            '/', made_up.pass_id, made_up.billing_account_id, made_up.subscription_id, 'minimum',
            made_up.commitment_id, made_up.tax_category, cast(made_up.period_start as string),
            cast(made_up.period_end as string)
        ) as charge_id,
        made_up.billing_account_id,
        made_up.subscription_id,
        made_up.holder_id,
        made_up.commitment_id,
        made_up.description_en,
        made_up.description_de,
        made_up.currency_code,
        made_up.tax_category,
        made_up.minor_units,
        made_up.minimum_amount,
        made_up.measured_amount,
        made_up.made_up_before_amount,
        cast(
            greatest(made_up.minimum_amount - made_up.measured_amount, 0)
            - made_up.made_up_before_amount
            as decimal(18, 4)
        ) as amount,
        accounts.issue_date as tax_point_date,
        made_up.aligned_period_start,
        made_up.period_start,
        made_up.period_end
    from made_up
    inner join accounts
        on
            made_up.pass_id = accounts.pass_id
            and made_up.billing_account_id = accounts.billing_account_id

)

select * from minimums
where amount <> 0
