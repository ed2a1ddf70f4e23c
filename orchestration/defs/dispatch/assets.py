"""Dispatch: rendered invoices leave by e-mail and post."""

from typing import Any

import dagster as dg

from orchestration.defs.dbt_models import bill_date_of
from orchestration.defs.partitions import BILL_DATES
from orchestration.dispatch.channel import mask_addresses
from orchestration.dispatch.invoices import dispatch_bill_date
from orchestration.lib.house import open_house
from orchestration.lib.progress import Progress
from orchestration.lib.say import say


@dg.asset(
    group_name="dispatch",
    kinds={"email"},
    deps=["rendered_documents"],
    partitions_def=BILL_DATES,
)
def dispatched_documents(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
    """Send what has not been sent; every attempt is in the ledger before it is made."""
    house = open_house()
    with Progress("sending") as progress:
        summary = dispatch_bill_date(house.settings, house.ledger, bill_date_of(context), progress)
    for unsent in (*summary.failed, *summary.pending)[:10]:
        reason = mask_addresses(f"{unsent.code} {unsent.reason}")
        say(f"  {unsent.document_number} by {unsent.channel}: {reason}")
    say(
        f"sent {summary.accepted_count:,} documents, {summary.already_sent_count:,} were sent "
        f"before, {len(summary.failed)} failed, {len(summary.pending)} pending"
    )
    return dg.MaterializeResult(
        metadata={
            "sent": summary.accepted_count,
            "sent_before": summary.already_sent_count,
            "failed": len(summary.failed),
            "pending": len(summary.pending),
            "attempts": summary.attempt_count,
        }
    )
