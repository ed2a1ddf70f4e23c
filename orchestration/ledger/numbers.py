"""Document numbers: gapless per legal entity, series and year, dates never going back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, func, select

from orchestration.ledger.errors import LedgerRuleError
from orchestration.ledger.schema import documents, exact_amount
from orchestration.ledger.store import append_rows, require_write

INVOICE_SERIES = "R"

# A number becomes a file name, a Message-ID and a payment reference: letters and digits alone.
_CODE = re.compile(r"[A-Z0-9]{1,12}")
_CHUNK = 1000


@dataclass(frozen=True)
class NewDocument:
    """A document about to be issued. `total_amount` is a `Decimal` of at most four decimals."""

    document_id: str
    document_type: str
    pass_id: str
    billing_account_id: str
    currency_code: str
    total_amount: Decimal

    def __post_init__(self) -> None:
        object.__setattr__(self, "total_amount", exact_amount(self.total_amount))


@dataclass(frozen=True)
class IssuedDocument:
    """A document as the ledger holds it, for ever."""

    document_id: str
    document_type: str
    legal_entity_id: str
    series: str
    year: int
    number: int
    document_number: str
    pass_id: str
    billing_account_id: str
    issue_date: date
    currency_code: str
    total_amount: Decimal


_COLUMNS = [documents.c[field.name] for field in fields(IssuedDocument)]
_FACTS = tuple(field.name for field in fields(NewDocument))


def take_numbers(
    connection: Connection,
    legal_entity_id: str,
    series: str,
    issue_date: date,
    new_documents: Sequence[NewDocument],
    entity_prefix: str,
) -> list[IssuedDocument]:
    """Give each document the next number of its series, in the order given, and write its row.

    Runs inside the caller's `Ledger.write()`: with it the numbers are taken or not taken. The year
    is the issue date's; a number reads `<prefix>-<series>-<year>-<six digits>`. A document that has
    its number keeps it, and its date. Raises `LedgerRuleError` when the series would go back in
    time, or an issued document comes again with other facts.
    """
    require_write(connection)
    _check_codes(series=series, entity_prefix=entity_prefix)
    known = _find_issued(connection, [document.document_id for document in new_documents])
    missing: dict[str, NewDocument] = {}
    for document in new_documents:
        issued = known.get(document.document_id)
        if issued is not None:
            _check_same(document, issued, legal_entity_id, series)
        elif missing.setdefault(document.document_id, document) != document:
            raise LedgerRuleError(f"document {document.document_id} is given twice, differently")
    if missing:
        _check_date(connection, legal_entity_id, series, issue_date)
        first = _last_number(connection, legal_entity_id, series, issue_date.year) + 1
        stem = f"{entity_prefix}-{series}-{issue_date.year}"
        taken = [
            _number(document, legal_entity_id, series, issue_date, number, stem)
            for number, document in enumerate(missing.values(), start=first)
        ]
        _check_free(connection, taken[0].document_number, stem, legal_entity_id)
        append_rows(connection, documents, [_row(issued) for issued in taken])
        known |= {issued.document_id: issued for issued in taken}
    return [known[document.document_id] for document in new_documents]


def last_issue_date(connection: Connection, legal_entity_id: str, series: str) -> date | None:
    """Return the date a series stands at, None when it has no document yet."""
    latest: date | None = connection.scalar(
        select(func.max(documents.c.issue_date)).where(
            documents.c.legal_entity_id == legal_entity_id, documents.c.series == series
        )
    )
    return latest


def _find_issued(connection: Connection, document_ids: Sequence[str]) -> dict[str, IssuedDocument]:
    found = {}
    for chunk in _chunks(document_ids):
        rows = connection.execute(select(*_COLUMNS).where(documents.c.document_id.in_(chunk)))
        for row in rows:
            issued = IssuedDocument(**row._mapping)
            found[issued.document_id] = issued
    return found


def _chunks(items: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(items), _CHUNK):
        yield items[start : start + _CHUNK]


def _check_codes(**codes: str) -> None:
    for name, code in codes.items():
        if not _CODE.fullmatch(code):
            raise LedgerRuleError(f"{name} is 1 to 12 capitals and digits, not {code!r}")


def _check_same(
    document: NewDocument, issued: IssuedDocument, legal_entity_id: str, series: str
) -> None:
    """An issued document never changes: refuse to hand out its number for other facts."""
    given = {name: getattr(document, name) for name in _FACTS}
    given |= {"legal_entity_id": legal_entity_id, "series": series}
    for name, value in given.items():
        if value != getattr(issued, name):
            raise LedgerRuleError(
                f"document {issued.document_id} was issued as {issued.document_number} "
                f"with {name} {getattr(issued, name)}, not {value}"
            )


def _check_date(
    connection: Connection, legal_entity_id: str, series: str, issue_date: date
) -> None:
    latest = last_issue_date(connection, legal_entity_id, series)
    if latest is not None and issue_date < latest:
        raise LedgerRuleError(
            f"series {series} of {legal_entity_id} stands at {latest}: "
            f"a document dated {issue_date} would go back in time"
        )


def _last_number(connection: Connection, legal_entity_id: str, series: str, year: int) -> int:
    last: int | None = connection.scalar(
        select(func.max(documents.c.number)).where(
            documents.c.legal_entity_id == legal_entity_id,
            documents.c.series == series,
            documents.c.year == year,
        )
    )
    return last or 0


def _check_free(
    connection: Connection, document_number: str, stem: str, legal_entity_id: str
) -> None:
    """Two legal entities, or two series, must not spell their numbers alike."""
    owner = connection.scalar(
        select(documents.c.legal_entity_id).where(documents.c.document_number == document_number)
    )
    if owner is not None:
        raise LedgerRuleError(
            f"numbers {stem}-… belong to {owner}: {legal_entity_id} needs another prefix"
        )


def _number(
    document: NewDocument,
    legal_entity_id: str,
    series: str,
    issue_date: date,
    number: int,
    stem: str,
) -> IssuedDocument:
    return IssuedDocument(
        **{name: getattr(document, name) for name in _FACTS},
        legal_entity_id=legal_entity_id,
        series=series,
        year=issue_date.year,
        number=number,
        document_number=f"{stem}-{number:06d}",
        issue_date=issue_date,
    )


def _row(issued: IssuedDocument) -> dict[str, Any]:
    return {field.name: getattr(issued, field.name) for field in fields(issued)}
