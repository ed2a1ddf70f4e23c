"""Whether all usage of a pass is there, and going on without what is not."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

import duckdb

from orchestration.ledger.actor import current_actor
from orchestration.ledger.schema import gap_acceptances
from orchestration.ledger.store import Ledger, append_rows
from orchestration.lib.errors import TollhouseError
from orchestration.lib.warehouse import open_warehouse
from orchestration.passes.records import read_passes
from orchestration.settings import Settings

SHOWN = 20
# The name of the asset check that shows it in Dagster.
COMPLETENESS_CHECK = "all_usage_is_here"

GAPS = """
    select
        findings.pass_id,
        findings.finding_id,
        findings.finding,
        findings.subject,
        findings.seen,
        findings.expected,
        findings.consequence,
        findings.finding_status,
        findings.missing_file_count
    from intermediate.int_usage_findings__combined as findings
    where findings.pass_id is not null
    order by findings.pass_id, findings.file_from, findings.subject, findings.finding_id
"""
FINDINGS = """
    select
        finding_id, finding, subject, seen, expected, consequence, finding_status,
        waiting_pass_ids, accepted_by, acceptance_reason, file_from
    from marts.fct_usage_findings
    order by
        list_position(['open', 'accepted', 'told'], finding_status), file_from, subject, finding_id
"""


class IncompleteError(TollhouseError):
    """Usage of a pass is missing, and the policy does not let it be issued so."""


class GapError(TollhouseError):
    """A gap cannot be accepted; one line says why, and nothing was written."""


@dataclass(frozen=True)
class Gap:
    """One finding on the usage files of a pass not issued yet, as of its last calculation."""

    pass_id: str
    finding_id: str
    finding: str
    subject: str
    seen: str
    expected: str
    consequence: str
    finding_status: str
    missing_file_count: int

    @property
    def is_open(self) -> bool:
        """Whether it has a consequence that nobody lifted."""
        return self.finding_status == "open"

    @property
    def blocks(self) -> bool:
        return self.is_open and self.consequence == "block"


@dataclass(frozen=True)
class UsageFinding:
    """One finding as of the last build, whichever pass it touches."""

    finding_id: str
    finding: str
    subject: str
    seen: str
    expected: str
    consequence: str
    finding_status: str
    waiting_pass_ids: str | None
    accepted_by: str | None
    acceptance_reason: str | None
    file_from: datetime

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


def read_gaps(warehouse: duckdb.DuckDBPyConnection, pass_ids: Collection[str]) -> list[Gap]:
    """Return what was found about the usage files of passes when they were last calculated."""
    return [Gap(*row) for row in warehouse.execute(GAPS).fetchall() if row[0] in pass_ids]


def read_findings(settings: Settings) -> list[UsageFinding]:
    """Return every finding on usage files, those that wait first; none before the first build."""
    if not settings.warehouse.exists():
        return []
    try:
        with duckdb.connect(str(settings.warehouse), read_only=True) as warehouse:
            rows = warehouse.execute(FINDINGS).fetchall()
    except (duckdb.CatalogException, duckdb.BinderException, duckdb.IOException):
        # Not built yet, or a run is writing.
        return []
    return [UsageFinding(*row) for row in rows]


def describe_gaps(gaps: Sequence[Gap]) -> str:
    """Return in one line which files a pass waits for; of many the first twenty are named."""
    named = [f"{one.subject} ({one.seen})" for one in gaps[:SHOWN]]
    more = f" and {len(gaps) - SHOWN} more" if len(gaps) > SHOWN else ""
    return "; ".join(named) + more


def require_complete(gaps: Sequence[Gap]) -> None:
    """Raise `IncompleteError`, naming the missing files of each pass that one blocks."""
    lines = []
    for pass_id in sorted({one.pass_id for one in gaps if one.blocks}):
        blocking = [one for one in gaps if one.blocks and one.pass_id == pass_id]
        lines.append(f"pass {pass_id} is not issued, usage is missing: {describe_gaps(blocking)}")
    if lines:
        raise IncompleteError(
            f"{'; '.join(lines)}. Deliver it and run again, or go on without it: "
            "tollhouse gaps accept"
        )


def accept_gaps(
    settings: Settings,
    ledger: Ledger,
    bill_date: date,
    subjects: Sequence[str],
    reason: str,
    *,
    accept_all: bool = False,
) -> list[Gap]:
    """Write to the ledger that the runs of a bill date go on without some files; return those.

    A file is named as `tollhouse gaps list` names it; `accept_all` takes every one that waits. All
    or none is written, each gap once per bill run; what comes to light later is not accepted by it.
    The person is the operating system's user, never a typed name. Raises `GapError`.
    """
    reason = " ".join(reason.split())
    if not reason:
        raise GapError("a reason is needed to go on without usage")
    with ledger.read() as connection:
        of_date = {one.pass_id: one for one in read_passes(connection, bill_date)}
    unissued = [pass_id for pass_id, one in of_date.items() if not one.is_issued]
    with open_warehouse(settings) as warehouse:
        waiting = [one for one in read_gaps(warehouse, unissued) if one.is_open]
    known = {one.subject for one in waiting} | {one.finding_id for one in waiting}
    if unknown := [one for one in subjects if one not in known]:
        raise GapError(f"no pass of {bill_date} that is not issued waits for {unknown[0]}")
    chosen = [
        one
        for one in waiting
        if accept_all or one.subject in subjects or one.finding_id in subjects
    ]
    if not chosen:
        raise GapError(f"nothing of {bill_date} waits for usage")
    rows = {
        (of_date[one.pass_id].bill_run_id, one.finding_id): {
            "bill_run_id": of_date[one.pass_id].bill_run_id,
            "finding_id": one.finding_id,
            "subject": one.subject,
            "reason": reason,
        }
        for one in chosen
    }
    with ledger.write() as connection:
        meanwhile = {one.pass_id for one in read_passes(connection, bill_date) if one.is_issued}
        if issued := sorted({one.pass_id for one in chosen} & meanwhile):
            raise GapError(f"pass {issued[0]} is issued already")
        append_rows(connection, gap_acceptances, list(rows.values()))
    return chosen


def accepting_person() -> str:
    """Return who an acceptance is recorded as."""
    return current_actor()
