"""Issue: what was calculated is frozen and gets its numbers."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from orchestration.defs.collect.assets import LOCK_SECONDS
from orchestration.defs.dbt_models import bill_date_of
from orchestration.defs.partitions import BILL_DATES, WRITER_POOL
from orchestration.issue.freezing import ApprovalNeededError, issue_passes
from orchestration.issue.frozen import frozen_entities
from orchestration.lib.dbt import require_success
from orchestration.lib.house import House, open_house
from orchestration.lib.lock import writer_lock
from orchestration.lib.say import say
from orchestration.lib.warehouse import open_warehouse
from orchestration.passes.completeness import (
    COMPLETENESS_CHECK,
    Gap,
    IncompleteError,
    describe_gaps,
    read_gaps,
    require_complete,
)
from orchestration.passes.records import read_passes
from orchestration.passes.scope import export_for_dbt


@dg.asset(
    group_name="issue",
    kinds={"ledger", "parquet"},
    deps=[entity.frozen_from for entity in frozen_entities(open_house().settings)],
    partitions_def=BILL_DATES,
    pool=WRITER_POOL,
    check_specs=[
        dg.AssetCheckSpec(
            COMPLETENESS_CHECK,
            asset="issued_invoices",
            description="Every usage file of the periods came, can be read and is plausible.",
        )
    ],
)
def issued_invoices(
    context: dg.AssetExecutionContext,
) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
    """Freeze the lines, usage and balances of every pass, and take the document numbers.

    A pass that waits for usage is left out while another one of the date goes on.
    """
    house = open_house()
    with writer_lock(house.settings, LOCK_SECONDS):
        with house.ledger.read() as connection:
            bill_passes = read_passes(connection, bill_date_of(context))
        unissued = [one for one in bill_passes if not one.is_issued]
        with open_warehouse(house.settings) as warehouse:
            gaps = read_gaps(warehouse, {one.pass_id for one in unissued})
        blocked = {one.pass_id for one in gaps if one.blocks}
        yield check_completeness(gaps)
        for gap in gaps:
            if gap.is_open:
                say(f"{gap.finding}: {gap.subject}: {gap.seen} ({gap.consequence} {gap.pass_id})")
        try:
            if blocked and len(blocked) == len(unissued):
                require_complete(gaps)
            complete = [one for one in unissued if one.pass_id not in blocked]
            summaries = issue_passes(house.settings, house.ledger, complete)
        except (ApprovalNeededError, IncompleteError):
            # Whoever approves looks at the drafts and at the review queue first.
            _show_drafts(house)
            raise
    for one in summaries:
        numbers = f" ({one.first_number} to {one.last_number})" if one.invoice_count else ""
        say(
            f"issued {one.invoice_count:,} invoices{numbers}, total {one.total_amount:,.2f}; "
            f"{one.held_count} accounts held, {one.nothing_count} with nothing to bill"
        )
    if not summaries:
        say("nothing to issue: every pass of this date is issued already")
    yield dg.MaterializeResult(
        metadata={
            "passes": len(summaries),
            "invoices": sum(one.invoice_count for one in summaries),
            "held_accounts": sum(one.held_count for one in summaries),
            "total_amount": str(sum(one.total_amount for one in summaries)),
        }
    )


def check_completeness(gaps: list[Gap]) -> dg.AssetCheckResult:
    """Return what Dagster shows of the usage files: red while one is missing, with its name."""
    waiting = [one for one in gaps if one.is_open]
    metadata: dict[str, Any] = {
        f"{one.finding} {one.subject}": f"{one.seen}; expected {one.expected}: "
        + (one.consequence if one.is_open else one.finding_status)
        for one in gaps[:200]
    }
    return dg.AssetCheckResult(
        check_name=COMPLETENESS_CHECK,
        passed=not waiting,
        severity=(
            dg.AssetCheckSeverity.ERROR
            if any(one.blocks for one in waiting)
            else dg.AssetCheckSeverity.WARN
        ),
        description=describe_gaps(waiting) if waiting else "all usage of the date is here",
        metadata={"findings": len(gaps), **metadata},
    )


def _show_drafts(house: House) -> None:
    export_for_dbt(house.settings, house.ledger)
    require_success(house.dbt.build("marts"), "marts of what waits for approval")
