"""Issuing: freeze what was computed as Parquet, then commit its hashes and take the numbers.

The files come first and do not count; the one ledger transaction makes them count, gives every
invoice its number and moves the passes to `issued`. Killed before it, nothing was issued and the
files are orphans that no model reads; killed after it, everything was.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import duckdb
from sqlalchemy import Connection, func, select

from orchestration.collect.kinds import quote
from orchestration.issue.frozen import FrozenEntity, frozen_entities
from orchestration.ledger.numbers import (
    INVOICE_SERIES,
    NewDocument,
    last_issue_date,
    take_numbers,
)
from orchestration.ledger.schema import (
    frozen_files,
    pass_accounts,
    pass_transitions,
    review_decisions,
)
from orchestration.ledger.store import Ledger, append_rows
from orchestration.lib.errors import TollhouseError
from orchestration.lib.files import replace_atomically, sha256_file, temporary_beside
from orchestration.lib.warehouse import open_warehouse
from orchestration.passes.completeness import read_gaps, require_complete
from orchestration.passes.records import (
    BillPass,
    last_control_totals,
    last_recorded,
    read_passes,
    record_state,
)
from orchestration.settings import Settings

# Which rows of a pass are frozen (`rows` in the dbt source): those of the accounts that are issued,
# those of the accounts held, what says why others are not issued, or the pass's own record.
OF_ACCOUNTS = """
    and billing_account_id in (
        select decided.billing_account_id
        from intermediate.int_accounts__decided as decided
        where decided.pass_id = ? and decided.outcome in ({outcomes})
    )"""
CONDITIONS = {
    "issued": OF_ACCOUNTS.format(outcomes="'issue', 'consolidated'"),
    "held": OF_ACCOUNTS.format(outcomes="'held'"),
    "not_issued": "and outcome <> 'issue'",
    "whole": "",
}


class IssueError(TollhouseError):
    """A pass cannot be issued; nothing was."""


class ApprovalNeededError(IssueError):
    """A pass waits for an approver; nothing of it was issued."""


@dataclass(frozen=True)
class FrozenFile:
    """A frozen file as the ledger will commit it. `path` is relative to landing."""

    issue_id: str
    pass_id: str
    entity: str
    path: str
    sha256: str
    row_count: int


@dataclass(frozen=True)
class IssueSummary:
    """What issuing a pass did, for the operator."""

    pass_id: str
    invoice_count: int
    held_count: int
    nothing_count: int
    total_amount: Decimal
    first_number: str | None
    last_number: str | None


@dataclass(frozen=True)
class Approval:
    """When a pass waits for an approver (seeds/policy/billing_policy.csv)."""

    policy: str
    threshold_amount: Decimal

    def is_needed(self, total: Decimal) -> bool:
        """Return whether a pass of this total waits for an approver."""
        above = self.policy == "above_threshold" and total > self.threshold_amount
        return self.policy == "always" or above


def issue_passes(
    settings: Settings, ledger: Ledger, bill_passes: Sequence[BillPass]
) -> list[IssueSummary]:
    """Issue passes that were calculated and validated, each in a transaction of its own.

    In the order of their issue dates, since dates never decrease within a series. The caller holds
    the writer lock and has built the warehouse from the present ledger. A pass that is issued
    already is left alone. Raises `IssueError` when a pass was not validated, and `IncompleteError`
    when usage of it is missing that blocks it.
    """
    waiting = [bill_pass for bill_pass in bill_passes if not bill_pass.is_issued]
    return [
        _issue(settings, ledger, one) for one in sorted(waiting, key=lambda one: one.issue_date)
    ]


def _issue(settings: Settings, ledger: Ledger, bill_pass: BillPass) -> IssueSummary:
    with open_warehouse(settings) as warehouse:
        require_complete(read_gaps(warehouse, [bill_pass.pass_id]))
        new_documents = _read_documents(warehouse, bill_pass.pass_id)
        total = sum((document.total_amount for document in new_documents), Decimal(0))
        _require_approval(ledger, bill_pass, _read_approval(warehouse, bill_pass), total)
        prefix = _document_prefix(warehouse, bill_pass)
        outcomes = _count_outcomes(warehouse, bill_pass.pass_id)
        issue_id = f"{bill_pass.pass_id}-{secrets.token_hex(6)}"
        files = [
            _freeze(warehouse, settings.landing, entity, bill_pass.pass_id, issue_id)
            for entity in frozen_entities(settings)
        ]
    summary = {
        "invoices": len(new_documents),
        "total_amount": str(total),
        "held": outcomes.get("held", 0),
        "nothing_to_bill": outcomes.get("nothing_to_bill", 0),
    }
    with ledger.write() as connection:
        current = next(
            one
            for one in read_passes(connection, bill_pass.bill_date)
            if one.pass_id == bill_pass.pass_id
        )
        if current.is_issued:
            raise IssueError(f"pass {bill_pass.pass_id} was issued meanwhile by another process")
        _require_fresh(connection, bill_pass)
        append_rows(connection, frozen_files, [vars(one) for one in files])
        issued = take_numbers(
            connection,
            bill_pass.legal_entity_id,
            INVOICE_SERIES,
            bill_pass.issue_date,
            new_documents,
            prefix,
        )
        record_state(connection, settings, [bill_pass.pass_id], "issued", control_totals=summary)
    return IssueSummary(
        pass_id=bill_pass.pass_id,
        invoice_count=len(issued),
        held_count=outcomes.get("held", 0),
        nothing_count=outcomes.get("nothing_to_bill", 0),
        total_amount=total,
        first_number=issued[0].document_number if issued else None,
        last_number=issued[-1].document_number if issued else None,
    )


def _require_fresh(connection: Connection, bill_pass: BillPass) -> None:
    """Raise `IssueError` unless the pass was validated after all that decides what it bills.

    That is its cut-off and issue date, the decisions on it, who was assigned to it, and who of its
    accounts was taken over by another pass.
    """
    collected = last_recorded(connection, pass_transitions, bill_pass.pass_id, "collected")
    validated = last_recorded(connection, pass_transitions, bill_pass.pass_id, "validated")
    decided = last_recorded(connection, review_decisions, bill_pass.pass_id)
    members = select(pass_accounts.c.billing_account_id).where(
        pass_accounts.c.pass_id == bill_pass.pass_id
    )
    assigned: datetime | None = connection.scalar(
        select(func.max(pass_accounts.c.recorded_at)).where(
            pass_accounts.c.billing_account_id.in_(members)
        )
    )
    again = f"run `tollhouse run --bill-date {bill_pass.bill_date}` (again)"
    if validated is None or any(
        one is not None and one > validated for one in (collected, decided, assigned)
    ):
        raise IssueError(f"pass {bill_pass.pass_id} was not validated as it stands now: {again}")
    stands_at = last_issue_date(connection, bill_pass.legal_entity_id, INVOICE_SERIES)
    if stands_at is not None and stands_at > bill_pass.issue_date:
        raise IssueError(
            f"pass {bill_pass.pass_id} is dated {bill_pass.issue_date}, but the series stands at "
            f"{stands_at} meanwhile: {again}"
        )


def _require_approval(
    ledger: Ledger, bill_pass: BillPass, approval: Approval, total: Decimal
) -> None:
    """Raise when the policy wants an approver and nobody approved this very total."""
    if not approval.is_needed(total):
        return
    with ledger.read() as connection:
        approved = last_control_totals(connection, bill_pass.pass_id, "approved")
    if approved.get("total_amount") != str(total):
        raise ApprovalNeededError(
            f"pass {bill_pass.pass_id} over {total:,.2f} waits for approval: "
            f"tollhouse approve {bill_pass.pass_id}"
        )


def freezing_query(entity: FrozenEntity) -> str:
    """Return the query of the rows to freeze; its parameters are the pass id, once or twice."""
    columns = ", ".join(f"cast({name} as {type_}) as {name}" for name, type_ in entity.columns)
    which = CONDITIONS[entity.rows]
    return f"select {columns} from intermediate.{entity.frozen_from} where pass_id = ? {which}"


def _freeze(
    warehouse: duckdb.DuckDBPyConnection,
    landing: Path,
    entity: FrozenEntity,
    pass_id: str,
    issue_id: str,
) -> FrozenFile:
    table = entity.landing_table.name
    path = landing / table / f"issue_id={issue_id}" / "part.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_beside(path)
    query = freezing_query(entity)
    counted = warehouse.execute(
        f"copy ({query}) to {quote(str(temporary))} (format parquet, compression zstd)",
        [pass_id] * query.count("?"),
    ).fetchone()
    replace_atomically(temporary, path)
    return FrozenFile(
        issue_id=issue_id,
        pass_id=pass_id,
        entity=entity.name,
        path=str(path.relative_to(landing)),
        sha256=sha256_file(path),
        row_count=int(counted[0]) if counted else 0,
    )


def read_total(settings: Settings, pass_id: str) -> Decimal:
    """Return the total that a calculated pass would be issued over."""
    with open_warehouse(settings) as warehouse:
        documents = _read_documents(warehouse, pass_id)
    return sum((document.total_amount for document in documents), Decimal(0))


def _read_documents(warehouse: duckdb.DuckDBPyConnection, pass_id: str) -> list[NewDocument]:
    rows = warehouse.execute(
        """
        select
            invoices.invoice_id,
            invoices.billing_account_id,
            invoices.currency_code,
            invoices.total_amount
        from intermediate.int_invoices__totalled as invoices
        inner join intermediate.int_accounts__decided as decided
            on
                invoices.pass_id = decided.pass_id
                and invoices.billing_account_id = decided.billing_account_id
        where invoices.pass_id = ? and decided.outcome = 'issue'
        order by invoices.billing_account_id
        """,
        [pass_id],
    ).fetchall()
    return [
        NewDocument(
            document_id=invoice_id,
            document_type="invoice",
            pass_id=pass_id,
            billing_account_id=account_id,
            currency_code=currency,
            total_amount=amount,
        )
        for invoice_id, account_id, currency, amount in rows
    ]


def _document_prefix(warehouse: duckdb.DuckDBPyConnection, bill_pass: BillPass) -> str:
    row = warehouse.execute(
        """
        select document_prefix
        from seeds.legal_entities
        where
            legal_entity_id = ?
            and valid_from <= ?
            and coalesce(valid_to, date '9999-12-31') > ?
        """,
        [bill_pass.legal_entity_id, bill_pass.issue_date, bill_pass.issue_date],
    ).fetchone()
    if row is None:
        raise IssueError(
            f"seeds/policy/legal_entities.csv has no row for {bill_pass.legal_entity_id} "
            f"on {bill_pass.issue_date}"
        )
    return str(row[0])


def _read_approval(warehouse: duckdb.DuckDBPyConnection, bill_pass: BillPass) -> Approval:
    row = warehouse.execute(
        """
        select approval, approval_threshold_amount
        from seeds.billing_policy
        where
            legal_entity_id = ?
            and valid_from <= ?
            and coalesce(valid_to, date '9999-12-31') > ?
        """,
        [bill_pass.legal_entity_id, bill_pass.bill_date, bill_pass.bill_date],
    ).fetchone()
    if row is None:
        raise IssueError(
            f"seeds/policy/billing_policy.csv has no row for {bill_pass.legal_entity_id} "
            f"on {bill_pass.bill_date}"
        )
    return Approval(*row)


def _count_outcomes(warehouse: duckdb.DuckDBPyConnection, pass_id: str) -> dict[str, int]:
    rows = warehouse.execute(
        "select outcome, count(*) from intermediate.int_accounts__decided where pass_id = ?"
        " group by outcome",
        [pass_id],
    ).fetchall()
    return {outcome: int(count) for outcome, count in rows}
