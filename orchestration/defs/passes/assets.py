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
from orchestration.lib.house import House, open_house
from orchestration.lib.lock import writer_lock
from orchestration.lib.say import say
from orchestration.passes.opening import (
    PassError,
    open_main_passes,
    open_off_cycle_passes,
    open_supplementary_passes,
    read_closed_cycles,
    read_due_cycles,
    read_named_cycles,
    take_up,
)
from orchestration.passes.records import BillPass

PASS_TABLES = ("bill_runs", "passes", "pass_transitions", "pass_accounts")
SCOPE = ["control", "passes_in_scope"]
NEEDED = ["int_billing_accounts__current", "int_bill_periods__aligned"]


class PassKind(Enum):
    """What a run opens: all that is due on the bill date, what was released, or given accounts."""

    MAIN = "main"
    SUPPLEMENTARY = "supplementary"
    OFF_CYCLE = "off_cycle"


class PassConfig(dg.Config):
    """How the passes of a run are opened; `accounts` names those of an off-cycle pass."""

    kind: PassKind = PassKind.MAIN
    accounts: list[str] = []  # noqa: RUF012 (pydantic copies it)
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
        bill_passes = _open(house, bill_date, config, issue_date)
        take_up(house.settings, house.ledger, bill_passes, watermark, issue_date)
    pass_ids = [one.pass_id for one in bill_passes]
    say(f"opened {', '.join(pass_ids)}" if pass_ids else "no pass to open: nothing new is due")
    for key in context.selected_asset_keys:
        yield dg.MaterializeResult(
            asset_key=key, metadata={"passes": ", ".join(pass_ids), "watermark": watermark}
        )


def _open(
    house: House, bill_date: date, config: PassConfig, issue_date: date | None
) -> list[BillPass]:
    settings, ledger = house.settings, house.ledger
    if config.accounts and config.kind is not PassKind.OFF_CYCLE:
        raise PassError("accounts are named for an off-cycle run only")
    if config.kind is PassKind.SUPPLEMENTARY:
        return open_supplementary_passes(settings, ledger, bill_date, issue_date)
    if config.kind is PassKind.OFF_CYCLE:
        named = read_named_cycles(settings, bill_date, config.accounts)
        return open_off_cycle_passes(settings, ledger, bill_date, named, issue_date)
    due = read_due_cycles(settings, bill_date)
    opened = open_main_passes(settings, ledger, bill_date, due, issue_date)
    if closed := read_closed_cycles(settings, ledger, bill_date):
        opened = open_off_cycle_passes(settings, ledger, bill_date, closed, issue_date)
    return opened
