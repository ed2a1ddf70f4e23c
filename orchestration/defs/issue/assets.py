"""Issue: what was calculated is frozen and gets its numbers."""

from typing import Any

import dagster as dg

from orchestration.defs.collect.assets import LOCK_SECONDS
from orchestration.defs.dbt_models import bill_date_of
from orchestration.defs.partitions import BILL_DATES, WRITER_POOL
from orchestration.issue.freezing import ApprovalNeededError, issue_passes
from orchestration.issue.frozen import frozen_entities
from orchestration.lib.dbt import require_success
from orchestration.lib.house import open_house
from orchestration.lib.lock import writer_lock
from orchestration.lib.say import say
from orchestration.passes.records import read_passes
from orchestration.passes.scope import export_for_dbt


@dg.asset(
    group_name="issue",
    kinds={"ledger", "parquet"},
    deps=[entity.frozen_from for entity in frozen_entities(open_house().settings)],
    partitions_def=BILL_DATES,
    pool=WRITER_POOL,
)
def issued_invoices(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
    """Freeze the lines, usage and balances of every pass, and take the document numbers."""
    house = open_house()
    with writer_lock(house.settings, LOCK_SECONDS):
        with house.ledger.read() as connection:
            bill_passes = read_passes(connection, bill_date_of(context))
        try:
            summaries = issue_passes(house.settings, house.ledger, bill_passes)
        except ApprovalNeededError:
            # Whoever approves looks at the drafts and at the review queue first.
            export_for_dbt(house.settings, house.ledger)
            require_success(house.dbt.build("marts"), "marts of what waits for approval")
            raise
    for one in summaries:
        numbers = f" ({one.first_number} to {one.last_number})" if one.invoice_count else ""
        say(
            f"issued {one.invoice_count:,} invoices{numbers}, total {one.total_amount:,.2f}; "
            f"{one.held_count} accounts held, {one.nothing_count} with nothing to bill"
        )
    if not summaries:
        say("nothing to issue: every pass of this date is issued already")
    return dg.MaterializeResult(
        metadata={
            "passes": len(summaries),
            "invoices": sum(one.invoice_count for one in summaries),
            "held_accounts": sum(one.held_count for one in summaries),
            "total_amount": str(sum(one.total_amount for one in summaries)),
        }
    )
