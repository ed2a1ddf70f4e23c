"""Dispatch: rendered invoices leave by e-mail and post."""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from orchestration.defs.dbt_models import bill_date_of
from orchestration.defs.partitions import BILL_DATES
from orchestration.dispatch.channel import mask_addresses
from orchestration.dispatch.invoices import dispatch_bill_date
from orchestration.dispatch.outbox import UnsentDelivery
from orchestration.lib.house import open_house
from orchestration.lib.progress import Progress
from orchestration.lib.say import say

SHOWN_REASONS = 10


def unsent_lines(unsent: Sequence[UnsentDelivery], state: str) -> list[str]:
    """Say why documents were not sent, a line per reason; a reason names no address."""
    numbers: dict[str, list[str]] = {}
    for one in unsent:
        reason = f"{one.code} {one.reason}" if one.code.isdecimal() else one.reason
        numbers.setdefault(mask_addresses(reason), []).append(one.document_number)
    lines = []
    for reason, of_reason in list(numbers.items())[:SHOWN_REASONS]:
        first, more = of_reason[0], len(of_reason) - 1
        lines.append(
            f"{len(of_reason):,} documents {state}: {reason} ({first} and {more:,} more)"
            if more
            else f"{first}: not sent: {reason}"
        )
    if len(numbers) > SHOWN_REASONS:
        lines.append(f"and {len(numbers) - SHOWN_REASONS:,} more reasons")
    return lines


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
    for line in unsent_lines(summary.failed, "failed") + unsent_lines(summary.pending, "wait"):
        say(f"  {line}")
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
