"""What `tollhouse status` and the demo tell: how far every pass has come, and where things lie."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
from sqlalchemy import Connection, Select, func, make_url, select

from orchestration.ledger.schema import (
    delivery_attempts,
    delivery_outcomes,
    documents,
    rendered_documents,
)
from orchestration.ledger.store import open_ledger
from orchestration.passes.completeness import UsageFinding, read_findings
from orchestration.passes.records import read_passes
from orchestration.settings import Settings


@dataclass(frozen=True)
class PassStatus:
    """One pass as an operator wants to see it; `total_amount` in the invoices' currency."""

    pass_id: str
    state: str
    issue_date: date
    invoice_count: int
    total_amount: Decimal
    held_count: int
    rendered_count: int
    sent_count: int


@dataclass(frozen=True)
class Status:
    """The house at a glance. The ledger's address never shows a password."""

    home: str
    project: str
    ledger: str
    passes: tuple[PassStatus, ...]
    gaps: tuple[UsageFinding, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


def read_status(settings: Settings) -> Status:
    """Read the status from the ledger, and the held accounts from the warehouse if it is there."""
    settings.home.mkdir(parents=True, exist_ok=True)
    ledger = open_ledger(settings.ledger_url)
    held = _read_held(settings)
    with ledger.read() as connection:
        amounts: dict[str, list[Decimal]] = {}
        for row in connection.execute(select(documents.c.pass_id, documents.c.total_amount)):
            amounts.setdefault(row.pass_id, []).append(row.total_amount)
        per_pass = select(documents.c.pass_id, func.count().label("number"))
        rendered = _count(
            connection,
            per_pass.join(
                rendered_documents, rendered_documents.c.document_id == documents.c.document_id
            ).where(rendered_documents.c.media_type == "application/pdf"),
        )
        sent = _count(
            connection,
            per_pass.join(
                delivery_attempts, delivery_attempts.c.document_id == documents.c.document_id
            )
            .join(
                delivery_outcomes,
                delivery_outcomes.c.attempt_sequence == delivery_attempts.c.sequence,
            )
            .where(delivery_outcomes.c.state != "failed"),
        )
        bill_passes = read_passes(connection)
    return Status(
        home=str(settings.home),
        project=str(settings.project_root),
        ledger=make_url(settings.ledger_url).render_as_string(hide_password=True),
        passes=tuple(
            PassStatus(
                pass_id=one.pass_id,
                state=one.states[-1] if one.states else "opened",
                issue_date=one.issue_date,
                invoice_count=len(amounts.get(one.pass_id, [])),
                total_amount=sum(amounts.get(one.pass_id, []), Decimal(0)),
                held_count=held.get(one.pass_id, 0),
                rendered_count=rendered.get(one.pass_id, 0),
                sent_count=sent.get(one.pass_id, 0),
            )
            for one in bill_passes
        ),
        gaps=tuple(one for one in read_findings(settings) if one.finding_status == "open"),
    )


def describe_demo(settings: Settings, bill_date: date) -> str:
    """Return where the demo's results are, with the totals."""
    passes = [one for one in read_status(settings).passes if str(bill_date) in one.pass_id]
    invoices = sum(one.invoice_count for one in passes)
    total = sum((one.total_amount for one in passes), Decimal(0))
    return "\n".join(
        (
            "",
            f"Billed {bill_date}: {invoices:,} invoices over {total:,.2f} EUR, "
            f"{sum(one.held_count for one in passes)} accounts held for review, "
            f"{sum(one.rendered_count for one in passes)} rendered, "
            f"{sum(one.sent_count for one in passes)} sent",
            "",
            f"  invoices      {settings.documents}",
            f"  e-mails       {settings.outbox / 'mail'}",
            f"  letters       {settings.outbox / 'print' / str(bill_date)}",
            f"  cycle report  {settings.reports / f'{bill_date}.html'}",
            f"  marts for BI  {settings.published}",
            "  review queue  tollhouse review list",
            "",
            f"The rest is rendered and sent by: tollhouse run --bill-date {bill_date}",
            "All laws are checked by:          tollhouse verify",
            "Dagster is opened by:             tollhouse ui",
        )
    )


def _count(connection: Connection, query: Select[Any]) -> dict[str, int]:
    rows = connection.execute(query.group_by(documents.c.pass_id))
    return {row.pass_id: int(row.number) for row in rows}


def _read_held(settings: Settings) -> dict[str, int]:
    if not settings.warehouse.exists():
        return {}
    try:
        with duckdb.connect(str(settings.warehouse), read_only=True) as warehouse:
            rows = warehouse.execute(
                "select pass_id, count(distinct billing_account_id) from marts.fct_review_queue"
                " where review_status = 'held' group by pass_id"
            ).fetchall()
    except (duckdb.CatalogException, duckdb.IOException):
        # Not built yet, or a run is writing: the ledger's figures still stand.
        return {}
    return {pass_id: int(count) for pass_id, count in rows}
