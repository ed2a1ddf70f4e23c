"""What the cycle report asks the marts: every figure is computed here, in SQL.

Parameters: `$bill_date`; of one section `$bill_run_id`, `$currency_code`, `$legal_entity_id`,
`$bill_cycle_id`. Amounts come as exact decimals, shares in per cent.
"""

from __future__ import annotations

# One section per bill run and currency; a run without an invoice has its legal entity's currency.
SECTIONS = """
    with runs as (
        select
            bill_run_id,
            legal_entity_id,
            bill_cycle_id,
            bill_date,
            cast(sum(account_count) filter (pass_kind <> 'supplementary') as bigint)
                as accounts_due,
            string_agg(distinct left(commit_hash, 12), ', ' order by left(commit_hash, 12))
                as commit_hash
        from marts.fct_bill_runs
        where bill_date = $bill_date
        group by all
    ),
    billed as (
        select
            bill_run_id,
            currency_code,
            count(*) filter (billing_status = 'issued') as documents_issued,
            coalesce(sum(net_amount) filter (billing_status = 'issued'), 0) as net_amount,
            coalesce(sum(tax_amount) filter (billing_status = 'issued'), 0) as tax_amount,
            coalesce(sum(total_amount) filter (billing_status = 'issued'), 0) as total_amount
        from marts.fct_invoices
        where bill_date = $bill_date
        group by all
    )
    select
        runs.bill_run_id,
        runs.legal_entity_id,
        runs.bill_cycle_id,
        runs.bill_date,
        coalesce(runs.accounts_due, 0) as accounts_due,
        coalesce(runs.commit_hash, '') as commit_hash,
        entities.legal_name as legal_entity,
        coalesce(billed.currency_code, entities.currency_code) as currency_code,
        currencies.minor_units,
        coalesce(billed.documents_issued, 0) as documents_issued,
        cast(coalesce(billed.net_amount, 0) as decimal(18, 4)) as net_amount,
        cast(coalesce(billed.tax_amount, 0) as decimal(18, 4)) as tax_amount,
        cast(coalesce(billed.total_amount, 0) as decimal(18, 4)) as total_amount,
        coalesce(periods.period_start, runs.bill_date) as period_start,
        coalesce(periods.period_end, runs.bill_date) as period_end
    from runs
    left join billed on runs.bill_run_id = billed.bill_run_id
    inner join seeds.legal_entities as entities
        on
            runs.legal_entity_id = entities.legal_entity_id
            and entities.valid_from <= runs.bill_date
            and coalesce(entities.valid_to, date '9999-12-31') > runs.bill_date
    inner join seeds.currencies as currencies
        on coalesce(billed.currency_code, entities.currency_code) = currencies.currency_code
    left join intermediate.int_bill_periods__aligned as periods
        on
            runs.legal_entity_id = periods.legal_entity_id
            and runs.bill_cycle_id = periods.bill_cycle_id
            and runs.bill_date = periods.period_end
    order by runs.bill_run_id, currency_code
"""

APPROVERS = """
    select coalesce(string_agg(distinct transitions.actor_name, ', '), '') as approved_by
    from staging.stg_ledger__pass_transitions as transitions
    inner join marts.fct_bill_runs as runs on transitions.pass_id = runs.pass_id
    where runs.bill_run_id = $bill_run_id and transitions.pass_state = 'approved'
"""

PASSES = """
    select
        runs.pass_kind || ' ' || runs.pass_number as name,
        runs.pass_state as state,
        runs.issue_date,
        runs.account_count as accounts,
        count(invoices.invoice_id) as documents,
        cast(coalesce(sum(invoices.total_amount), 0) as decimal(18, 4)) as total_amount
    from marts.fct_bill_runs as runs
    left join marts.fct_invoices as invoices
        on
            runs.pass_id = invoices.pass_id
            and invoices.billing_status = 'issued'
            and invoices.currency_code = $currency_code
    where runs.bill_run_id = $bill_run_id
    group by all
    order by min(runs.opened_at), name
"""

# An account that waits: held, or released and not billed yet. One bill waits with it, whatever the
# number of findings.
WAITING = """
    waiting as (
        select
            queue.pass_id,
            queue.billing_account_id,
            queue.rule_id,
            queue.review_status,
            queue.seen,
            queue.expected,
            cast(queue.amount_at_stake as decimal(18, 4)) as amount_at_stake,
            cast(coalesce(unbilled.total_amount, drafts.total_amount) as decimal(18, 4))
                as bill_amount
        from marts.fct_review_queue as queue
        left join staging.stg_issued__unbilled_accounts as unbilled
            on
                queue.pass_id = unbilled.pass_id
                and queue.billing_account_id = unbilled.billing_account_id
        left join marts.fct_invoices as drafts
            on
                queue.pass_id = drafts.pass_id
                and queue.billing_account_id = drafts.billing_account_id
        where
            queue.bill_run_id = $bill_run_id
            and queue.currency_code = $currency_code
            and queue.review_status in ('held', 'released')
    )
"""

NOT_BILLED = f"""
    with {WAITING},
    issued as (
        select billing_account_id
        from marts.fct_invoices
        where bill_run_id = $bill_run_id and billing_status = 'issued'
    )
    select
        (select count(distinct billing_account_id) from waiting) as accounts_held,
        (
            select cast(coalesce(sum(bill_amount), 0) as decimal(18, 4))
            from (select distinct billing_account_id, bill_amount from waiting)
        ) as held_amount,
        (
            select count(distinct unbilled.billing_account_id)
            from staging.stg_issued__unbilled_accounts as unbilled
            inner join marts.fct_bill_runs as runs on unbilled.pass_id = runs.pass_id
            where
                runs.bill_run_id = $bill_run_id
                and unbilled.currency_code = $currency_code
                and unbilled.outcome = 'nothing_to_bill'
                and unbilled.billing_account_id not in (select billing_account_id from issued)
        ) as accounts_without_charge,
        (
            select count(distinct billing_account_id)
            from marts.fct_review_queue
            where
                bill_run_id = $bill_run_id
                and currency_code = $currency_code
                and review_status = 'carried_forward'
                and billing_account_id not in (select billing_account_id from issued)
                and billing_account_id not in (select billing_account_id from waiting)
        ) as accounts_carried_forward
"""

HELD_BY_RULE = f"""
    with {WAITING}
    select
        waiting.rule_id as rule,
        coalesce(max(rules.description), '') as description,
        count(distinct waiting.billing_account_id) as accounts,
        cast(sum(waiting.amount_at_stake) as decimal(18, 4)) as amount_at_stake
    from waiting
    left join seeds.review_rules as rules on waiting.rule_id = rules.rule_id
    group by waiting.rule_id
    order by amount_at_stake desc, rule
"""

HELD_ACCOUNTS = f"""
    with {WAITING}
    select
        billing_account_id as account_id,
        rule_id as rule,
        seen || '; expected ' || expected
        || case review_status when 'released' then ' (released, waits for its pass)' else '' end
            as finding,
        amount_at_stake,
        bill_amount
    from waiting
    order by amount_at_stake desc, account_id, rule
"""

_REVENUE = """
    from marts.rpt_cycle_summary as summary
    {join}
    where
        summary.bill_run_id = $bill_run_id
        and summary.currency_code = $currency_code
        and summary.billing_status = 'issued'
    group by all
    having count > 0
    order by {order}
"""
_SUMS = """
    cast(sum(summary.line_count) as bigint) as count,
    cast(sum(summary.net_amount) as decimal(18, 4)) as net_amount
"""

REVENUE_BY_CHARGE_TYPE = f"""
    select
        case summary.charge_type
            when 'recurring' then 'Recurring'
            when 'usage' then 'Usage'
            when 'one_off' then 'One-off'
            when 'discount' then 'Discounts'
            when 'cap' then 'Caps'
            when 'minimum' then 'Minimum charges'
            when 'coupon' then 'Coupons'
            when 'fee' then 'Fees'
            else summary.charge_type
        end as label,
        {_SUMS}
    {_REVENUE.format(join="", order="min(summary.display_order)")}
"""

REVENUE_BY_CHARGE = f"""
    select summary.charge_label as label, {_SUMS}
    {_REVENUE.format(join="", order="min(summary.display_order), label")}
"""

REVENUE_BY_PLAN = f"""
    with names as (
        select plan_id, max_by(plan_name, valid_from) as plan_name
        from marts.dim_plans
        group by plan_id
    )
    select coalesce(names.plan_name, summary.plan_id) as label, {_SUMS}
    {
    _REVENUE.format(
        join="left join names on summary.plan_id = names.plan_id", order="net_amount desc, label"
    )
}
"""

REVENUE_BY_REGION = f"""
    select summary.sales_region as label, {_SUMS}
    {_REVENUE.format(join="", order="net_amount desc, label")}
"""

TAXES = """
    select
        upper(taxes.tax_type) as name,
        cast(taxes.tax_rate * 100 as decimal(11, 6)) as rate,
        cast(sum(taxes.taxable_amount) as decimal(18, 4)) as taxable_amount,
        cast(sum(taxes.tax_amount) as decimal(18, 4)) as tax_amount
    from marts.fct_invoice_taxes as taxes
    inner join marts.fct_bill_runs as runs on taxes.pass_id = runs.pass_id
    where
        runs.bill_run_id = $bill_run_id
        and taxes.currency_code = $currency_code
        and taxes.billing_status = 'issued'
    group by all
    order by rate desc, name
"""

# A suspended record has no price; the mart estimates its value (D-159), rounded here once per
# reason. Of a service that nobody has used otherwise it is unknown.
SUSPENSE = """
    select
        replace(suspense_reason, '_', ' ') as reason,
        count(*) as records,
        cast(round(
            sum(estimated_amount) filter (currency_code = $currency_code), $minor_units
        ) as decimal(18, 4)) as amount
    from marts.fct_suspended_usage
    group by reason
    order by records desc, reason
"""

# Collected for this run: after the watermark of the run before it, up to its own.
_COLLECTED = """
    collected as (
        select files.*
        from marts.fct_usage_files as files
        where
            files.file_status <> 'duplicate'
            and files.landing_sequence > coalesce((
                select max(runs.landing_watermark)
                from marts.fct_bill_runs as runs
                where
                    runs.legal_entity_id = $legal_entity_id
                    and runs.bill_cycle_id = $bill_cycle_id
                    and runs.bill_date < $bill_date
            ), 0)
            and files.landing_sequence <= coalesce((
                select max(runs.landing_watermark)
                from marts.fct_bill_runs as runs
                where runs.bill_run_id = $bill_run_id
            ), files.landing_sequence)
    )
"""

REJECTED = f"""
    with {_COLLECTED}
    select replace(rejects.reject_rule, '_', ' ') as reason, count(*) as records
    from staging.stg_landing__rejects as rejects
    inner join collected on rejects.file_id = collected.file_id
    group by reason
    order by records desc, reason
"""

REFUSED_FILES = f"""
    with {_COLLECTED}
    select file_name, entity, coalesce(file_reason, '') as reason
    from collected
    where file_status = 'rejected'
    order by entity, file_name, reason
"""

UNMATCHED_PAYMENTS = """
    select
        replace(match_status, '_', ' ') as reason,
        count(*) as records,
        cast(sum(payment_amount) as decimal(18, 4)) as amount
    from marts.fct_payments
    where match_status <> 'matched' and currency_code = $currency_code
    group by reason
    order by reason
"""

# A fate as rows: what, unit, the total and one part of it.
FATES = """
    with files as (
        select
            sum(records_read_count) as read_count,
            sum(records_accepted_count) as accepted_count,
            sum(records_duplicate_count) as duplicate_count,
            sum(records_filtered_count) as filtered_count,
            sum(records_rejected_count) as rejected_count
        from marts.fct_usage_files
        where entity = 'usage' and file_status = 'accepted'
    ),
    controls as (
        select control_name, expected_quantity
        from marts.rpt_control_totals
        where pass_id is null
    ),
    usage as (
        select
            usage_status as fate,
            count(*) as record_count,
            sum(duration_seconds) as duration_seconds,
            sum(volume_bytes) as volume_bytes,
            sum(rated_amount) as amount
        from marts.fct_rated_usage
        group by usage_status
        union all
        select 'suspended', count(*), sum(duration_seconds), sum(volume_bytes), null
        from marts.fct_suspended_usage
    ),
    fates as (
        select 1 as display_order, 'Usage records read' as name, 'records' as unit, 'read' as label,
            read_count as total, unnest(['accepted', 'duplicate', 'filtered', 'rejected']) as part,
            unnest([accepted_count, duplicate_count, filtered_count, rejected_count]) as quantity
        from files
        union all
        select 2, 'Usage accepted', 'records', 'accepted', expected_quantity, fate, record_count
        from usage
        inner join controls on control_name = 'accepted usage = rated + suspended: records'
        union all
        select 3, 'Usage accepted', 'seconds', 'accepted', expected_quantity, fate,
            duration_seconds
        from usage
        inner join controls on control_name = 'accepted usage = rated + suspended: seconds'
        union all
        select 4, 'Usage accepted', 'bytes', 'accepted', expected_quantity, fate, volume_bytes
        from usage
        inner join controls on control_name = 'accepted usage = rated + suspended: bytes'
        union all
        select 5, 'Usage rated', 'amount', 'rated', expected_quantity, fate, amount
        from usage
        inner join controls on control_name = 'rated = billed + held + unbilled'
        where fate <> 'suspended'
    )
    select
        name,
        unit,
        label,
        cast(coalesce(total, 0) as decimal(28, 6)) as total,
        part,
        cast(coalesce(quantity, 0) as decimal(28, 6)) as quantity
    from fates
    order by
        display_order,
        list_position(
            [
                'accepted', 'duplicate', 'filtered', 'rejected',
                'billed', 'held', 'unbilled', 'suspended'
            ],
            part
        )
"""

CONTROL_TOTALS = """
    select
        controls.control_step as step,
        controls.control_name as name,
        coalesce(runs.pass_kind || ' ' || runs.pass_number, '') as scope,
        case controls.unit when 'money' then 'amount' else controls.unit end as unit,
        coalesce(controls.expected_quantity, 0) as expected,
        coalesce(controls.accounted_quantity, 0) as accounted,
        controls.difference_quantity as difference,
        controls.is_balanced as is_ok
    from marts.rpt_control_totals as controls
    left join marts.fct_bill_runs as runs on controls.pass_id = runs.pass_id
    where controls.pass_id is null or runs.bill_run_id = $bill_run_id
    order by
        list_position(
            ['collect', 'complete', 'rating', 'calculate', 'issue'], controls.control_step
        ),
        runs.opened_at nulls first,
        name,
        unit
"""

DELIVERIES = """
    select
        deliveries.delivery_channel as channel,
        count(*) as documents,
        count(*) filter (delivery_state = 'delivered') as delivered,
        count(*) filter (delivery_state = 'accepted' and deliveries.delivery_channel <> 'post')
            as accepted,
        count(*) filter (delivery_state = 'accepted' and deliveries.delivery_channel = 'post')
            as handed_over,
        count(*) filter (delivery_state in ('pending', 'in_flight')) as pending,
        count(*) filter (delivery_state = 'failed') as failed,
        count(*) filter (delivery_state = 'not_rendered') as not_rendered
    from marts.fct_deliveries as deliveries
    inner join marts.fct_invoices as invoices on deliveries.invoice_id = invoices.invoice_id
    where invoices.bill_run_id = $bill_run_id and invoices.currency_code = $currency_code
    group by channel
    order by channel
"""

PAYMENTS = """
    select
        case receivables.payment_status
            when 'paid' then 'Paid'
            when 'partly_paid' then 'Partly paid'
            when 'overpaid' then 'Overpaid'
            when 'open' then 'Open'
            else receivables.payment_status
        end as status,
        count(*) as documents,
        cast(sum(receivables.total_amount) as decimal(18, 4)) as amount,
        cast(sum(receivables.paid_amount) as decimal(18, 4)) as paid_amount,
        cast(sum(receivables.open_amount) as decimal(18, 4)) as open_amount
    from marts.fct_receivables as receivables
    inner join marts.fct_invoices as invoices on receivables.invoice_id = invoices.invoice_id
    where invoices.bill_run_id = $bill_run_id and invoices.currency_code = $currency_code
    group by status
    order by list_position(['Paid', 'Overpaid', 'Partly paid', 'Open'], status)
"""

# As of the last day on which anything is known, as the key figures: never a wall clock.
_AS_OF = """
    as_of as (
        select
            greatest(max(issue_date), max(coalesce(last_paid_date, issue_date))) as as_of_date
        from marts.fct_receivables
        where legal_entity_id = $legal_entity_id
    )
"""

AS_OF = f"with {_AS_OF} select as_of_date as as_of from as_of"

AGEING = f"""
    with {_AS_OF},
    aged as (
        select
            receivables.open_amount,
            case
                when receivables.open_amount < 0 then 5
                when receivables.due_date >= as_of_date then 0
                when receivables.due_date >= as_of_date - 30 then 1
                when receivables.due_date >= as_of_date - 60 then 2
                when receivables.due_date >= as_of_date - 90 then 3
                else 4
            end as bucket_number
        from marts.fct_receivables as receivables
        cross join as_of
        where
            receivables.legal_entity_id = $legal_entity_id
            and receivables.currency_code = $currency_code
            and receivables.open_amount <> 0
    ),
    buckets as (
        select
            unnest([0, 1, 2, 3, 4, 5]) as bucket_number,
            unnest(['Not due', '1-30 days', '31-60 days', '61-90 days', 'Over 90 days', 'Credit'])
                as bucket
    )
    select
        buckets.bucket,
        count(aged.open_amount) as documents,
        cast(coalesce(sum(aged.open_amount), 0) as decimal(18, 4)) as amount
    from buckets
    left join aged on buckets.bucket_number = aged.bucket_number
    group by buckets.bucket, buckets.bucket_number
    having buckets.bucket_number < 5 or count(aged.open_amount) > 0
    order by buckets.bucket_number
"""

KPIS = """
    select
        case kpi_name
            when 'days_sales_outstanding' then 'Days sales outstanding'
            when 'posted' then 'Handed to the post'
            when 'on_time_delivery' then 'On-time delivery'
            else upper(left(kpi_name, 1)) || replace(substr(kpi_name, 2), '_', ' ')
        end as name,
        case unit when 'ratio' then kpi_value * 100 else kpi_value end as value,
        case unit
            when 'ratio' then 'percent'
            when 'days' then 'days'
            when 'money' then 'amount'
            when 'per_hour' then 'per_hour'
            else 'count'
        end as unit,
        kpi_meaning as note
    from marts.rpt_billing_kpis
    where
        legal_entity_id = $legal_entity_id
        and coalesce(bill_run_id, $bill_run_id) = $bill_run_id
    order by
        list_position(
            [
                'billing_accuracy', 'held_accounts', 'delivery_success', 'on_time_delivery',
                'delivered', 'accepted', 'posted', 'days_sales_outstanding', 'overdue_share',
                'unbilled_usage', 'suspended_usage', 'throughput'
            ],
            kpi_name
        ),
        name
"""

PAST_RUNS = """
    select past.bill_date as month, cast(sum(past.total_amount) as decimal(18, 4)) as total_amount
    from intermediate.int_bills__past as past
    inner join marts.dim_billing_accounts as accounts
        on past.billing_account_id = accounts.billing_account_id
    where
        accounts.legal_entity_id = $legal_entity_id
        and accounts.bill_cycle_id = $bill_cycle_id
        and past.currency_code = $currency_code
        and past.bill_date < $bill_date
    group by past.bill_date
    order by past.bill_date desc
    limit 6
"""
