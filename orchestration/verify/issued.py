"""Laws 5 and 6 over all that was ever issued: frozen rows against each other and the ledger."""

from __future__ import annotations

from orchestration.verify.evidence import Evidence
from orchestration.verify.law_check import Finding, checks


@checks("law 5", "sum of lines = invoices = ledger, per pass and per invoice")
def issued_totals_agree(evidence: Evidence) -> Finding:
    """Compare lines, taxes, invoices and documents of each pass; name invoices that differ."""
    problems = [
        f"pass {pass_id}: lines {lines}, net of invoices {net}, tax breakdowns {taxes}, "
        f"tax of invoices {tax}, total {total}, ledger {ledger}"
        for pass_id, lines, net, taxes, tax, total, ledger in evidence.rows(
            f"select pass_id, lines, net, taxes, tax, total, ledger from ({ISSUED_TOTALS}) "
            "where lines <> net or taxes <> tax or net + tax <> total or total <> ledger"
        )
    ]
    problems += [
        f"invoice {invoice_id}: {lines} of {line_count} lines add up to {net_of_lines}, net {net}, "
        f"total {total}"
        for invoice_id, line_count, lines, net_of_lines, net, total in evidence.rows(
            BROKEN_INVOICES
        )
    ]
    passes, invoices, figure = evidence.row(
        "select count(*), coalesce(sum(invoices), 0), coalesce(sum(total), 0) "
        f"from ({ISSUED_TOTALS})"
    )
    return Finding(f"{passes} passes, {invoices:,} invoices, {figure:,} in total", problems)


# A pass, with each of its sums taken from another place.
ISSUED_TOTALS = """
    select
        issued.pass_id,
        coalesce((select sum(net_amount) from frozen.invoice_lines
            where pass_id = issued.pass_id), 0) as lines,
        coalesce((select sum(net_amount) from frozen.invoices
            where pass_id = issued.pass_id), 0) as net,
        coalesce((select sum(tax_amount) from frozen.invoice_taxes
            where pass_id = issued.pass_id), 0) as taxes,
        coalesce((select sum(tax_amount) from frozen.invoices
            where pass_id = issued.pass_id), 0) as tax,
        coalesce((select sum(total_amount) from frozen.invoices
            where pass_id = issued.pass_id), 0) as total,
        coalesce((select sum(total_amount) from ledger.documents
            where pass_id = issued.pass_id and document_type = 'invoice'), 0) as ledger,
        (select count(*) from frozen.invoices where pass_id = issued.pass_id) as invoices
    from (
        select distinct pass_id from ledger.pass_transitions where state = 'issued'
    ) as issued
"""

BROKEN_INVOICES = """
    with lines as (
        select invoice_id, count(*) as line_count, sum(net_amount) as net_amount
        from frozen.invoice_lines
        group by invoice_id
    )
    select
        coalesce(invoices.invoice_id, lines.invoice_id),
        invoices.line_count,
        lines.line_count,
        lines.net_amount,
        invoices.net_amount,
        invoices.total_amount
    from frozen.invoices as invoices
    full join lines on invoices.invoice_id = lines.invoice_id
    where
        invoices.invoice_id is null
        or lines.invoice_id is null
        or invoices.line_count <> lines.line_count
        or invoices.net_amount <> lines.net_amount
        or invoices.net_amount + invoices.tax_amount <> invoices.total_amount
    order by 1
"""


@checks("law 5", "document numbers are gapless, and dates never go back within a series")
def numbers_are_gapless(evidence: Evidence) -> Finding:
    """Check each series of each legal entity and year."""
    series = evidence.rows(
        """
        select
            legal_entity_id, series, year, count(*), min(number), max(number),
            bool_and(
                ends_with(document_number, '-' || year || '-' || lpad(number::varchar, 6, '0'))
            ),
            bool_and(year(issue_date) = year)
        from ledger.documents
        group by legal_entity_id, series, year
        order by all
        """
    )
    problems = []
    for entity, name, year, count, first, last, is_spelled, is_dated in series:
        if first != 1 or last != count:
            problems.append(f"{entity} {name} {year}: {count:,} numbers from {first} to {last}")
        if not is_spelled or not is_dated:
            problems.append(f"{entity} {name} {year}: a number does not say its series and year")
    problems += [
        f"{number} is dated {issued}, its predecessor {before}"
        for number, issued, before in evidence.rows(
            """
            select document_number, issue_date, before
            from (
                select
                    document_number,
                    issue_date,
                    lag(issue_date) over (
                        partition by legal_entity_id, series order by year, number
                    ) as before
                from ledger.documents
            )
            where issue_date < before
            order by 1
            """
        )
    ]
    total = sum(one[3] for one in series)
    return Finding(f"{total:,} numbers in {len(series)} series and years", problems)


@checks("law 5", "every issued pass recorded its cut-off and the hash of models and seeds")
def passes_can_be_repeated(evidence: Evidence) -> Finding:
    """Look for what is needed to compute a past pass again."""
    passes = evidence.rows(
        """
        select
            pass_id,
            bool_or(landing_watermark is not null),
            bool_or(state = 'issued' and project_hash is not null)
        from ledger.pass_transitions
        group by pass_id
        having bool_or(state = 'issued')
        order by pass_id
        """
    )
    problems = [
        f"pass {one} has no landing watermark" for one, has_mark, _ in passes if not has_mark
    ]
    problems += [f"pass {one} has no project hash" for one, _, has_hash in passes if not has_hash]
    return Finding(f"{len(passes)} issued passes", problems)


@checks("law 6", "no usage is billed twice")
def usage_is_billed_once(evidence: Evidence) -> Finding:
    """Count segments of events over all frozen usage of all passes, and events over passes.

    What a pass took back, to compute it again, counts against what was billed of it.
    """
    count, events = evidence.row(
        """
        select
            coalesce(sum(case when is_reversal then -1 else 1 end), 0), count(distinct event_id)
        from frozen.billed_usage
        """
    )
    twice = evidence.rows(
        """
        with segments as (
            select
                event_id,
                segment_number,
                count(*) filter (not is_reversal) as billed,
                count(*) filter (is_reversal) as taken_back
            from frozen.billed_usage
            group by event_id, segment_number
        ),
        passes as (
            select
                event_id,
                count(distinct pass_id) filter (not is_reversal)
                - count(distinct pass_id) filter (is_reversal) as passes
            from frozen.billed_usage
            group by event_id
        )
        select event_id, max(billed - taken_back), max(passes)
        from segments
        inner join passes using (event_id)
        group by event_id
        having max(billed - taken_back) <> 1 or min(billed - taken_back) < 0 or max(passes) <> 1
        order by event_id
        limit 1000
        """
    )
    return Finding(
        f"{events:,} events, {count:,} segments",
        [f"event {one} is billed {times} times in {passes} passes" for one, times, passes in twice],
    )


@checks("law 6", "no account is billed twice for a bill date, no one-off charge twice")
def charges_are_billed_once(evidence: Evidence) -> Finding:
    """Count charges by what they charge: the id of a charge names all of it but its pass."""
    (count,) = evidence.row("select count(*) from frozen.charges")
    problems = [
        f"one-off charge {source_id} is billed {times} times"
        for source_id, times in evidence.rows(
            """
            select source_id, count(*) from frozen.charges
            where charge_type = 'one_off'
            group by charge_code, source_id, amount < 0 having count(*) > 1
            order by source_id
            """
        )
    ]
    problems += [
        f"account {account} has {times} invoices in pass {pass_id}"
        for account, pass_id, times in evidence.rows(
            """
            select billing_account_id, pass_id, count(*) from frozen.invoices
            group by all having count(*) > 1 order by all
            """
        )
    ]
    return Finding(f"{count:,} charges", problems)


@checks("law 6", "recurring periods join without gap or overlap")
def recurring_periods_join(evidence: Evidence) -> Finding:
    """Lay all periods of a subscription, plan and charge beside each other, over all passes.

    What the system before charged comes first. A gap is right only where the plan was not held or
    the subscription was suspended; what gives a period back is not a second charge.
    """
    (count,) = evidence.row(f"select count(*) from ({PERIODS})")
    problems = [
        f"{subscription} {plan} {code}: charged to {before}, then from {start} ({kind})"
        for subscription, plan, code, before, start, kind in evidence.rows(BROKEN_PERIODS)
    ]
    return Finding(f"{count:,} periods", problems)


PERIODS = """
    select subscription_id, plan_id, charge_code, proration, period_start, period_end
    from frozen.charges
    where charge_type = 'recurring' and corrected_charge_id is null
    union all
    select
        opening.subscription_id, opening.plan_id, charged.charge_code, null, null,
        opening.charged_through
    from landing.opening_charged_through as opening
    inner join (
        select distinct subscription_id, plan_id, charge_code
        from frozen.charges
        where charge_type = 'recurring'
    ) as charged
        on
            opening.subscription_id = charged.subscription_id
            and opening.plan_id = charged.plan_id
    qualify row_number() over (
        partition by opening.subscription_id, opening.plan_id, charged.charge_code
        order by opening.charged_through desc
    ) = 1
"""

BROKEN_PERIODS = f"""
    with ordered as (
        select
            *,
            lag(period_end) over (
                partition by subscription_id, plan_id, charge_code
                order by period_start nulls first, period_end
            ) as before
        from ({PERIODS})
    ),
    given_back as (
        select subscription_id, plan_id, charge_code, period_start, period_end
        from frozen.charges
        where charge_type = 'recurring' and corrected_charge_id is not null
    )
    select
        ordered.subscription_id,
        ordered.plan_id,
        ordered.charge_code,
        ordered.before,
        ordered.period_start,
        case when ordered.before > ordered.period_start then 'overlap' else 'gap' end as kind
    from ordered
    where
        ordered.before > ordered.period_start
        and not exists (
            select 1 from given_back
            where
                given_back.subscription_id = ordered.subscription_id
                and given_back.plan_id = ordered.plan_id
                and given_back.charge_code = ordered.charge_code
                and given_back.period_start <= ordered.period_start
                and given_back.period_end >= ordered.before
        )
        or ordered.before < ordered.period_start
        and coalesce(ordered.proration, '') <> 'none'
        and not exists (
            select 1 from warehouse.intermediate.int_subscription_suspensions__known as suspensions
            where
                suspensions.is_latest
                and suspensions.subscription_id = ordered.subscription_id
                and suspensions.valid_from <= ordered.before
                and suspensions.valid_to >= ordered.period_start
        )
        and exists (
            select 1 from warehouse.intermediate.int_subscription_plans__effective as stays
            where
                stays.subscription_id = ordered.subscription_id
                and stays.plan_id = ordered.plan_id
                and stays.effective_from < ordered.period_start
                and stays.effective_to > ordered.before
        )
    order by all
"""


@checks("law 6", "no allowance is overdrawn")
def allowances_are_not_overdrawn(evidence: Evidence) -> Finding:
    """Add the draws of all passes, and those of the system before, on each allowance up."""
    overdrawn = evidence.rows(
        """
        select
            pool_id, allowance_id, granted_from,
            sum(drawn_quantity), max(granted_quantity)
        from (
            select pool_id, allowance_id, granted_from, drawn_quantity, granted_quantity
            from frozen.allowance_draws
            union all
            select pool_id, allowance_id, granted_from, drawn_quantity, granted_quantity
            from (
                select opening.*
                from landing.opening_allowances as opening
                inner join landing.manifest as manifest
                    on opening.file_id = manifest.file_id and manifest.status = 'accepted'
                qualify
                    row_number() over (
                        partition by
                            opening.pool_id, opening.allowance_id, opening.granted_from
                        order by manifest.landing_sequence desc, opening.record_number desc
                    ) = 1
            ) as opening
        ) as draws
        group by pool_id, allowance_id, granted_from
        having sum(drawn_quantity) > max(granted_quantity) or sum(drawn_quantity) < 0
        order by all
        """
    )
    free, drawn = evidence.row(
        """
        select
            (select coalesce(sum(free_units), 0) from frozen.billed_usage),
            (select coalesce(sum(free_quantity), 0) from frozen.allowance_draws)
        """
    )
    problems = [
        f"{pool} {allowance} of {start}: {used:,} drawn of {granted:,}"
        for pool, allowance, start, used, granted in overdrawn
    ]
    if free != drawn:
        problems.append(f"{free:,} units of billed usage were free, {drawn:,} by allowances")
    return Finding(f"{drawn:,} units free by allowances", problems)


@checks("law 6", "nothing was sent twice")
def documents_are_sent_once(evidence: Evidence) -> Finding:
    """Look for keys that were accepted twice, and count attempts that wait for their outcome."""
    attempts, waiting = evidence.row(
        """
        select
            count(*),
            count(*) filter (
                sequence not in (select attempt_sequence from ledger.delivery_outcomes)
            )
        from ledger.delivery_attempts
        """
    )
    twice = evidence.rows(
        """
        select attempts.idempotency_key, count(*)
        from ledger.delivery_attempts as attempts
        inner join ledger.delivery_outcomes as outcomes
            on attempts.sequence = outcomes.attempt_sequence and outcomes.state = 'accepted'
        group by attempts.idempotency_key
        having count(*) > 1
        order by all
        """
    )
    problems = [f"{key} was accepted {times} times" for key, times in twice]
    problems += [
        f"attempt {sequence} is for {key}, which is no issued document"
        for sequence, key in evidence.rows(
            """
            select attempts.sequence, attempts.idempotency_key
            from ledger.delivery_attempts as attempts
            left join ledger.documents as documents
                on attempts.document_id = documents.document_id
            where documents.document_id is null
            order by 1
            """
        )
    ]
    return Finding(f"{attempts:,} attempts, {waiting:,} in flight", problems)


# Of the stores alone; `recurring_periods_join` also needs the warehouse.
CHECKS = (
    issued_totals_agree,
    numbers_are_gapless,
    passes_can_be_repeated,
    usage_is_billed_once,
    charges_are_billed_once,
    allowances_are_not_overdrawn,
    documents_are_sent_once,
)
WAREHOUSE_CHECKS = (recurring_periods_join,)
