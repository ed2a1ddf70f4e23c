"""What impact asks: first of each side's warehouse, then of both sides' results together.

All figures are decided here. Parameters of the first part: `$pass_ids`, `$bill_date`, `$watermark`;
of the second: `$currency_code`, `$shown` and `$max_percent`. Amounts are exact; a percentage is
computed on integers and rounded half up to two decimals.
"""

from __future__ import annotations

# One side: what the comparison needs, kept in a small file of its own.
OUTPUTS = (
    "int_invoice_lines__rounded",
    "int_invoices__totalled",
    "int_anomalies__combined",
    "int_accounts__decided",
    "int_usage__rated",
    "int_usage__suspended",
    "int_subscription_plans__effective",
)
SIDE_TABLES = {
    # One row per account of the passes: what became of it and what it would pay.
    "accounts": """
        select
            decided.pass_id,
            decided.billing_account_id,
            decided.currency_code,
            decided.outcome,
            decided.outcome_reason,
            coalesce(invoices.net_amount, 0)::decimal(18, 4) as net_amount,
            coalesce(invoices.tax_amount, 0)::decimal(18, 4) as tax_amount,
            coalesce(invoices.total_amount, 0)::decimal(18, 4) as total_amount
        from intermediate.int_accounts__decided as decided
        left join intermediate.int_invoices__totalled as invoices
            on
                decided.pass_id = invoices.pass_id
                and decided.billing_account_id = invoices.billing_account_id
        where decided.pass_id in (select unnest($pass_ids))
    """,
    # One row per invoice line, with the plan of its subscription on the bill date and the tariff
    # rows that made it.
    "lines": """
        with held as (
            select
                plans.subscription_id,
                max_by(seeds.plan_name, plans.effective_from) as plan_name
            from intermediate.int_subscription_plans__effective as plans
            inner join seeds.plans as seeds on plans.plan_id = seeds.plan_id
            where seeds.plan_type = 'plan' and plans.effective_from < $bill_date
            group by plans.subscription_id
        ),
        rates as (
            select
                subscription_id,
                charge_code,
                currency_code,
                tax_category,
                usage_period_start,
                string_agg(distinct usage_rate_id, ', ' order by usage_rate_id) as rate_ids
            from intermediate.int_usage__rated
            where pass_id in (select unnest($pass_ids))
            group by all
        )
        select
            lines.billing_account_id,
            lines.subscription_id,
            lines.currency_code,
            lines.charge_type,
            lines.charge_code,
            coalesce(rates.rate_ids, lines.source_id) as source_id,
            lines.description_en as description,
            lines.period_start,
            lines.period_end,
            lines.net_amount,
            coalesce(held.plan_name, 'no plan') as plan_name
        from intermediate.int_invoice_lines__rounded as lines
        left join held on lines.subscription_id = held.subscription_id
        left join rates
            on
                lines.charge_type = 'usage'
                and lines.subscription_id = rates.subscription_id
                and lines.charge_code = rates.charge_code
                and lines.currency_code = rates.currency_code
                and lines.tax_category = rates.tax_category
                and lines.period_start = rates.usage_period_start
        where lines.pass_id in (select unnest($pass_ids))
    """,
    # One row per account and review rule that held it.
    "findings": """
        select billing_account_id, rule_id, seen
        from intermediate.int_anomalies__combined
        where pass_id in (select unnest($pass_ids))
    """,
    # Usage before discounts and rounding, by zone.
    "zones": """
        select
            rated.currency_code,
            coalesce(zones.label_en, rated.zone_id) as zone,
            count(distinct rated.event_id) as event_count,
            sum(rated.rated_amount)::decimal(18, 6) as rated_amount
        from intermediate.int_usage__rated as rated
        left join seeds.zones as zones on rated.zone_id = zones.zone_id
        where rated.pass_id in (select unnest($pass_ids))
        group by all
    """,
    # Records that had landed and cannot be priced.
    "suspended": """
        select suspended.suspense_reason, count(distinct suspended.event_id) as event_count
        from intermediate.int_usage__suspended as suspended
        inner join intermediate.int_usage__list_priced as priced
            on suspended.event_id = priced.event_id
        where priced.landing_sequence <= $watermark
        group by all
    """,
    "currencies": """
        select currency_code, minor_units from seeds.currencies
    """,
}

# Whether the live warehouse still holds what the passes computed: every account that they had, and
# for those issued the very totals.
LIVE_IS_WHOLE = """
    with decided as (
        select pass_id, billing_account_id
        from intermediate.int_accounts__decided
        where pass_id in (select unnest($pass_ids))
    ),
    computed as (
        select invoice_id, total_amount
        from intermediate.int_invoices__totalled
        where pass_id in (select unnest($pass_ids))
    ),
    documents as (
        select document_id, total_amount
        from staging.stg_ledger__documents
        where pass_id in (select unnest($pass_ids))
    )
    select
        (select count(*) from decided) > 0
        and not exists (
            select 1
            from documents
            left join computed on documents.document_id = computed.invoice_id
            where documents.total_amount is distinct from computed.total_amount
        ) as is_whole
"""

# Both sides: `before` and `after` are attached.
# Change as a percentage of what it was without its sign, half up, on integers; null when it was 0.
PERCENT_OF = """
    create macro percent_of(change, base) as case
        when base <> 0 then
            (
                sign(change) * (
                    (abs(change * 10000)::hugeint * 20000 + abs(base * 10000)::hugeint)
                    // (abs(base * 10000)::hugeint * 2)
                )
            )::decimal(18, 0) * 0.01
    end
"""
ACCOUNTS = """
    create table accounts as
    select
        coalesce(one.billing_account_id, two.billing_account_id) as billing_account_id,
        coalesce(one.currency_code, two.currency_code) as currency_code,
        coalesce(one.outcome, 'not due') as outcome_before,
        coalesce(two.outcome, 'not due') as outcome_after,
        coalesce(one.total_amount, 0)::decimal(18, 4) as before_amount,
        coalesce(two.total_amount, 0)::decimal(18, 4) as after_amount,
        (after_amount - before_amount)::decimal(18, 4) as change,
        percent_of(change, before_amount) as percent
    from before.accounts as one
    full join after.accounts as two
        on
            one.billing_account_id = two.billing_account_id
            and one.currency_code = two.currency_code
"""
# A row of the tariff that was ended and begun anew is the same line of the customer's bill.
LINES = """
    create table lines as
    with one as (
        select
            billing_account_id, subscription_id, currency_code, charge_type, charge_code,
            description, period_start, period_end,
            string_agg(distinct source_id, ', ' order by source_id) as source_ids,
            sum(net_amount)::decimal(18, 4) as net_amount
        from before.lines
        group by all
    ),
    two as (
        select
            billing_account_id, subscription_id, currency_code, charge_type, charge_code,
            description, period_start, period_end,
            string_agg(distinct source_id, ', ' order by source_id) as source_ids,
            sum(net_amount)::decimal(18, 4) as net_amount
        from after.lines
        group by all
    )
    select
        coalesce(one.billing_account_id, two.billing_account_id) as billing_account_id,
        coalesce(one.subscription_id, two.subscription_id) as subscription_id,
        coalesce(one.currency_code, two.currency_code) as currency_code,
        coalesce(one.charge_type, two.charge_type) as charge_type,
        coalesce(one.charge_code, two.charge_code) as charge_code,
        coalesce(one.description, two.description) as description,
        coalesce(one.period_start, two.period_start) as period_start,
        coalesce(one.period_end, two.period_end) as period_end,
        coalesce(one.source_ids, '') as source_before,
        coalesce(two.source_ids, '') as source_after,
        coalesce(one.net_amount, 0)::decimal(18, 4) as before_amount,
        coalesce(two.net_amount, 0)::decimal(18, 4) as after_amount
    from one
    full join two
        on
            one.billing_account_id = two.billing_account_id
            and one.subscription_id is not distinct from two.subscription_id
            and one.currency_code = two.currency_code
            and one.charge_code = two.charge_code
            and one.description = two.description
            and one.period_start = two.period_start
            and one.period_end = two.period_end
"""

CURRENCIES = """
    select
        accounts.currency_code,
        max(coalesce(one.minor_units, two.minor_units)) as minor_units
    from accounts
    left join before.currencies as one on accounts.currency_code = one.currency_code
    left join after.currencies as two on accounts.currency_code = two.currency_code
    group by accounts.currency_code
    order by count(*) desc, accounts.currency_code
"""
SUMMARY = """
    select
        count(*) filter (change > 0) as accounts_up,
        count(*) filter (change < 0) as accounts_down,
        count(*) filter (change = 0) as accounts_unchanged,
        sum(before_amount)::decimal(18, 4) as before_amount,
        sum(after_amount)::decimal(18, 4) as after_amount,
        sum(change)::decimal(18, 4) as change,
        percent_of(sum(change), sum(before_amount)) as percent,
        quantile_disc(abs(change), 0.5) filter (change <> 0) as amount_p50,
        quantile_disc(abs(change), 0.95) filter (change <> 0) as amount_p95,
        max(abs(change)) filter (change <> 0) as amount_max,
        quantile_disc(abs(percent), 0.5) filter (change <> 0) as percent_p50,
        quantile_disc(abs(percent), 0.95) filter (change <> 0) as percent_p95,
        max(abs(percent)) filter (change <> 0) as percent_max
    from accounts
    where currency_code = $currency_code
"""
# How many accounts move by how much: the bars of the chart.
STEPS = """
    with placed as (
        select
            case
                when change = 0 then 6
                when percent is null then if(change > 0, 11, 1)
                when percent < -25 then 1
                when percent < -10 then 2
                when percent < -5 then 3
                when percent < -1 then 4
                when change < 0 then 5
                when percent > 25 then 11
                when percent > 10 then 10
                when percent > 5 then 9
                when percent > 1 then 8
                else 7
            end as step
        from accounts
        where currency_code = $currency_code
    )
    select names.label, count(placed.step) as account_count
    from (
        values
        (1, 'below -25 %'), (2, '-25 to -10 %'), (3, '-10 to -5 %'), (4, '-5 to -1 %'),
        (5, 'down to -1 %'), (6, 'unchanged'), (7, 'up to 1 %'), (8, '1 to 5 %'),
        (9, '5 to 10 %'), (10, '10 to 25 %'), (11, 'above 25 %')
    ) as names (step, label)
    left join placed on names.step = placed.step
    group by names.step, names.label
    order by names.step
"""
_REVENUE = """
    with one as (
        select {label} as label, sum(net_amount)::decimal(18, 4) as amount
        from before.lines where currency_code = $currency_code group by all
    ),
    two as (
        select {label} as label, sum(net_amount)::decimal(18, 4) as amount
        from after.lines where currency_code = $currency_code group by all
    )
    select
        coalesce(one.label, two.label) as label,
        coalesce(one.amount, 0)::decimal(18, 4) as before_amount,
        coalesce(two.amount, 0)::decimal(18, 4) as after_amount,
        percent_of(after_amount - before_amount, before_amount) as percent
    from one
    full join two on one.label = two.label
    order by greatest(abs(before_amount), abs(after_amount)) desc, label
"""
REVENUE_BY_PLAN = _REVENUE.format(label="plan_name")
REVENUE_BY_CHARGE_TYPE = _REVENUE.format(label="charge_type")
REVENUE_BY_CHARGE = _REVENUE.format(label="charge_code")
REVENUE_BY_ZONE = """
    select
        coalesce(one.zone, two.zone) as label,
        coalesce(one.rated_amount, 0)::decimal(18, 6) as before_amount,
        coalesce(two.rated_amount, 0)::decimal(18, 6) as after_amount,
        percent_of(after_amount - before_amount, before_amount) as percent
    from (select * from before.zones where currency_code = $currency_code) as one
    full join (select * from after.zones where currency_code = $currency_code) as two
        on one.zone = two.zone
    order by greatest(before_amount, after_amount) desc, label
"""
MOVERS = """
    select billing_account_id, before_amount, after_amount, change, percent
    from accounts
    where currency_code = $currency_code and change <> 0
    order by abs(change) desc, billing_account_id
    limit $shown
"""
# Those that move against the sum of all; where that is nothing, against the greater number.
OPPOSITE = """
    with direction as (
        select coalesce(nullif(sign(sum(change)), 0), sign(sum(sign(change)))) as main_sign
        from accounts
        where currency_code = $currency_code
    )
    select billing_account_id, before_amount, after_amount, change, percent
    from accounts, direction
    where currency_code = $currency_code and sign(change) = -main_sign and change <> 0
    order by abs(change) desc, billing_account_id
    limit least($shown, 5)
"""
MOVED_LINES = """
    select
        subscription_id, description, charge_code, source_before, source_after, period_start,
        period_end, before_amount, after_amount
    from lines
    where
        billing_account_id = $billing_account_id
        and currency_code = $currency_code
        and before_amount <> after_amount
    order by abs(after_amount - before_amount) desc, subscription_id, description, period_start
"""
# Accounts whose bill moves by more than is allowed; what had no bill before moves without measure.
BREAKING = """
    select billing_account_id, before_amount, after_amount, change, percent
    from accounts
    where
        currency_code = $currency_code
        and change <> 0
        and (percent is null or abs(percent) > $max_percent)
    order by abs(percent) desc nulls first, billing_account_id
"""
# Findings of validation that only one side has.
FINDINGS = """
    select
        coalesce(one.billing_account_id, two.billing_account_id) as billing_account_id,
        coalesce(one.rule_id, two.rule_id) as rule_id,
        coalesce(two.seen, one.seen) as seen,
        one.rule_id is null as is_new
    from before.findings as one
    full join after.findings as two
        on one.billing_account_id = two.billing_account_id and one.rule_id = two.rule_id
    where one.rule_id is null or two.rule_id is null
    order by is_new desc, rule_id, billing_account_id
"""
OUTCOMES = """
    select outcome_before, outcome_after, count(*) as account_count
    from accounts
    where outcome_before <> outcome_after
    group by all
    order by account_count desc, outcome_before, outcome_after
"""
SUSPENDED = """
    select
        coalesce(one.suspense_reason, two.suspense_reason) as reason,
        coalesce(one.event_count, 0) as before_count,
        coalesce(two.event_count, 0) as after_count
    from before.suspended as one
    full join after.suspended as two on one.suspense_reason = two.suspense_reason
    where coalesce(one.event_count, 0) <> coalesce(two.event_count, 0)
    order by reason
"""
