"""Bill runs and passes as the ledger holds them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, and_, func, select

from orchestration.ledger.schema import bill_runs, pass_transitions, passes
from orchestration.ledger.store import Ledger, append_row
from orchestration.lib.built import hash_project
from orchestration.settings import Settings


@dataclass(frozen=True)
class BillPass:
    """One pass of a bill run with the states it has reached, in order.

    `issue_date` is the one that its invoices bear, or would bear if it were issued now: it can move
    until the pass is issued, since dates never decrease within a series.
    """

    pass_id: str
    bill_run_id: str
    legal_entity_id: str
    bill_cycle_id: str
    bill_date: date
    pass_kind: str
    pass_number: int
    issue_date: date
    states: tuple[str, ...]

    @property
    def is_issued(self) -> bool:
        return "issued" in self.states


def read_passes(connection: Connection, bill_date: date | None = None) -> list[BillPass]:
    """Return all passes, or those of one bill date, in the order they were opened."""
    query = (
        select(
            passes.c.pass_id,
            passes.c.bill_run_id,
            bill_runs.c.legal_entity_id,
            bill_runs.c.bill_cycle_id,
            bill_runs.c.bill_date,
            passes.c.pass_kind,
            passes.c.pass_number,
            passes.c.issue_date,
        )
        .join(bill_runs, passes.c.bill_run_id == bill_runs.c.bill_run_id)
        .order_by(passes.c.sequence)
    )
    if bill_date is not None:
        query = query.where(bill_runs.c.bill_date == bill_date)
    reached: dict[str, list[str]] = {}
    dated: dict[str, date] = {}
    transitions = select(
        pass_transitions.c.pass_id, pass_transitions.c.state, pass_transitions.c.issue_date
    )
    for row in connection.execute(transitions.order_by(pass_transitions.c.sequence)):
        reached.setdefault(row.pass_id, []).append(row.state)
        if row.issue_date is not None:
            dated[row.pass_id] = row.issue_date
    found = [dict(row._mapping) for row in connection.execute(query)]
    return [
        BillPass(
            **{**row, "issue_date": dated.get(row["pass_id"], row["issue_date"])},
            states=tuple(reached.get(row["pass_id"], ())),
        )
        for row in found
    ]


def last_recorded(
    connection: Connection, table: Table, pass_id: str, state: str | None = None
) -> datetime | None:
    """Return when a row of a pass was last appended to a ledger table, None when there is none."""
    query = select(func.max(table.c.recorded_at)).where(table.c.pass_id == pass_id)
    if state is not None:
        query = query.where(table.c.state == state)
    recorded: datetime | None = connection.scalar(query)
    return recorded


def last_control_totals(connection: Connection, pass_id: str, state: str) -> dict[str, Any]:
    """Return what was recorded when a pass last reached a state; empty when it did not."""
    query = (
        select(pass_transitions.c.control_totals)
        .where(and_(pass_transitions.c.pass_id == pass_id, pass_transitions.c.state == state))
        .order_by(pass_transitions.c.sequence.desc())
        .limit(1)
    )
    recorded = connection.scalar(query)
    return dict(json.loads(recorded)) if recorded else {}


def record_state(
    connection: Connection,
    settings: Settings,
    pass_ids: Sequence[str],
    state: str,
    *,
    landing_watermark: int | None = None,
    issue_date: date | None = None,
    control_totals: Mapping[str, Any] | None = None,
) -> None:
    """Append that passes reached a state, with the commit and the hash of models and seeds.

    Collecting sets the cut-off and the issue date that the pass has from then on.
    """
    commit_hash, project_hash = describe_project(settings)
    for pass_id in pass_ids:
        append_row(
            connection,
            pass_transitions,
            pass_id=pass_id,
            state=state,
            landing_watermark=landing_watermark,
            issue_date=issue_date,
            commit_hash=commit_hash,
            project_hash=project_hash,
            control_totals=(
                json.dumps(control_totals, sort_keys=True, default=str) if control_totals else None
            ),
        )


def record_complete(settings: Settings, ledger: Ledger, bill_date: date, state: str) -> None:
    """Record that the issued passes of a bill date reached a state, for those that had not."""
    with ledger.write() as connection:
        fresh = [
            one.pass_id
            for one in read_passes(connection, bill_date)
            if one.is_issued and state not in one.states
        ]
        record_state(connection, settings, fresh, state)


def describe_project(settings: Settings) -> tuple[str | None, str]:
    """Return the commit (None outside git) and the SHA-256 of all models, macros and seeds."""
    return _commit(settings.project_root), hash_project(settings.dbt_project, settings.seeds)


def _commit(root: Path) -> str | None:
    try:
        result = subprocess.run(
            ["git", "-C", str(root), "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.strip() or None if result.returncode == 0 else None
