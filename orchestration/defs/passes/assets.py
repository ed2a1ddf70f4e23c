"""Passes: who is billed in this run, written to the ledger before anything is computed."""

from collections.abc import Iterator
from datetime import date
from enum import Enum
from typing import Any

import dagster as dg

from orchestration.collect.inbox import read_manifest
from orchestration.defs.collect.assets import LOCK_SECONDS
from orchestration.defs.dbt_models import bill_date_of
from orchestration.defs.partitions import BILL_DATES, WRITER_POOL
from orchestration.lib.house import open_house
from orchestration.lib.lock import writer_lock
from orchestration.lib.say import say
from orchestration.passes.opening import (
    open_main_passes,
    open_supplementary_passes,
    read_due_cycles,
)
from orchestration.passes.records import record_state

PASS_TABLES = ("bill_runs", "passes", "pass_transitions", "pass_accounts")
SCOPE = ["control", "passes_in_scope"]
NEEDED = ["int_billing_accounts__current", "int_bill_periods__aligned"]


class PassKind(Enum):
    """What a run opens: everything due on the bill date, or what was released from review."""

    MAIN = "main"
    SUPPLEMENTARY = "supplementary"


class PassConfig(dg.Config):
    """How the passes of a run are opened."""

    kind: PassKind = PassKind.MAIN
    issue_date: str = ""


@dg.multi_asset(
    name="opened_passes",
    specs=[
        dg.AssetSpec(key, deps=NEEDED, group_name="passes", kinds={"ledger"})
        for key in (*(["ledger", table] for table in PASS_TABLES), SCOPE)
    ],
    partitions_def=BILL_DATES,
    pool=WRITER_POOL,
    can_subset=False,
)
def opened_passes(
    context: dg.AssetExecutionContext, config: PassConfig
) -> Iterator[dg.MaterializeResult[Any]]:
    """Open a pass per legal entity and cycle due, and record the cut-off of its usage."""
    house, bill_date = open_house(), bill_date_of(context)
    issue_date = date.fromisoformat(config.issue_date) if config.issue_date else None
    with writer_lock(house.settings, LOCK_SECONDS):
        watermark = max((row.landing_sequence for row in read_manifest(house.settings)), default=0)
        if config.kind is PassKind.MAIN:
            due = read_due_cycles(house.settings, bill_date)
            bill_passes = open_main_passes(house.settings, house.ledger, bill_date, due, issue_date)
        else:
            bill_passes = open_supplementary_passes(
                house.settings, house.ledger, bill_date, issue_date
            )
        pass_ids = [one.pass_id for one in bill_passes]
        with house.ledger.write() as connection:
            record_state(
                connection, house.settings, pass_ids, "collected", landing_watermark=watermark
            )
    say(f"opened {', '.join(pass_ids)}" if pass_ids else "no pass to open: nothing new is due")
    for key in context.selected_asset_keys:
        yield dg.MaterializeResult(
            asset_key=key, metadata={"passes": ", ".join(pass_ids), "watermark": watermark}
        )
