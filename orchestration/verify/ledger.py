"""Law 3: the ledger is the only state, append-only, and all that it names is there."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
from sqlalchemy import Connection, Table, func, select, text

from orchestration.issue.frozen import frozen_entities
from orchestration.ledger.schema import LEDGER_TABLES
from orchestration.lib.files import sha256_file
from orchestration.verify.evidence import Evidence, Row, literal
from orchestration.verify.law_check import Finding, checks


@checks("law 3", "the ledger refuses updates and deletions")
def ledger_is_append_only(evidence: Evidence) -> Finding:
    """Look for the guards of every table in the database itself."""
    with evidence.ledger.read() as connection:
        if connection.dialect.name == "sqlite":
            guards = _sqlite_guards(connection)
            wanted = [
                f"{one.name}_no_{verb}" for one in LEDGER_TABLES for verb in ("update", "delete")
            ]
        else:
            guards = _postgresql_guards(connection)
            wanted = [f"{one.name}_append_only" for one in LEDGER_TABLES]
    problems = [f"trigger {name} is missing or disabled" for name in wanted if name not in guards]
    return Finding(f"{len(LEDGER_TABLES)} tables, {len(wanted)} triggers", problems)


def _sqlite_guards(connection: Connection) -> set[str]:
    query = "select name from sqlite_master where type = 'trigger' and sql like '%raise(abort%'"
    return set(connection.scalars(text(query)))


def _postgresql_guards(connection: Connection) -> set[str]:
    query = "select tgname from pg_trigger where not tgisinternal and tgenabled in ('O', 'A')"
    return set(connection.scalars(text(query)))


@checks("law 3", "no row of the ledger is missing")
def ledger_has_no_gap(evidence: Evidence) -> Finding:
    """Check that sequences run from 1 to the last one ever given.

    SQLite alone: a PostgreSQL sequence also counts transactions that were rolled back.
    """
    problems, total, gaps = [], 0, 0
    with evidence.ledger.read() as connection:
        is_sqlite = connection.dialect.name == "sqlite"
        given = _last_given(connection) if is_sqlite else {}
        for table in LEDGER_TABLES:
            count, last = _count_and_last(connection, table)
            total += count
            expected = max(given.get(table.name, 0), last)
            gaps += expected - count
            if is_sqlite and expected != count:
                problems.append(f"{table.name}: {count:,} rows, {expected:,} were written")
    return Finding(f"{total:,} rows, {gaps:,} sequences without a row", problems)


def _last_given(connection: Connection) -> dict[str, int]:
    given = connection.execute(text("select name, seq from sqlite_sequence"))
    return {row[0]: row[1] for row in given}


def _count_and_last(connection: Connection, table: Table) -> tuple[int, int]:
    count: int | None = connection.scalar(select(func.count()).select_from(table))
    last: int | None = connection.scalar(select(func.max(table.c.sequence)))
    return count or 0, last or 0


@checks("law 3", "the exports are the ledger")
def exports_equal_ledger(evidence: Evidence) -> Finding:
    """Compare all values of the exports with the ledger's.

    A fresh export holds every row; the one that dbt last read may be behind, never different.
    """
    problems, rows, behind = [], 0, 0
    live = evidence.settings.exports
    with evidence.ledger.read() as connection:
        for table in LEDGER_TABLES:
            held = Counter(_plain(tuple(row)) for row in connection.execute(select(table)))
            rows += held.total()
            fresh = _exported(evidence, evidence.exports, table)
            if fresh != held:
                problems.append(f"{table.name}: a fresh export differs from the ledger")
            if (live / "ledger").exists():
                known = _exported(evidence, live, table)
                behind += (held - known).total()
                if foreign := (known - held).total():
                    problems.append(
                        f"{table.name}: {foreign:,} exported rows are not in the ledger"
                    )
    return Finding(f"{rows:,} rows, {behind:,} not exported for dbt yet", problems)


def _exported(evidence: Evidence, exports: Path, table: Table) -> Counter[Row]:
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    files = literal(exports / "ledger" / table.name / "*.parquet")
    return Counter(
        evidence.rows(f"select {names} from read_parquet({files}, hive_partitioning = false)")
    )


def _plain(row: tuple[Any, ...]) -> Row:
    """Return a row as DuckDB gives it: instants are UTC without saying so."""
    return tuple(
        value.replace(tzinfo=None) if isinstance(value, datetime) else value for value in row
    )


@checks("law 3", "every frozen file is what the ledger committed")
def frozen_files_are_committed(evidence: Evidence) -> Finding:
    """Check presence, hash and row count of frozen files, and that each pass has all its kinds."""
    committed = evidence.rows(
        "select path, sha256, row_count from ledger.frozen_files order by sequence"
    )
    landing = evidence.settings.landing.resolve()
    problems, rows = [], 0
    for path, sha256, row_count in committed:
        full = (landing / path).resolve()
        rows += row_count
        if not full.is_relative_to(landing):
            problems.append(f"{path} lies outside landing")
        elif not full.is_file():
            problems.append(f"{path} is missing")
        elif sha256_file(full) != sha256:
            problems.append(f"{path} is not the file that was issued: its SHA-256 differs")
        elif (found := _row_count(evidence, full)) != row_count:
            problems.append(f"{path} has {found:,} rows, the ledger says {row_count:,}")
    problems += _incomplete_issues(evidence)
    known = {path for path, _, _ in committed}
    strangers = [path for path in _frozen_paths(evidence) if path not in known]
    issues = {Path(path).parent.as_posix() for path in known}
    # The models find frozen rows by their folder: a second file in it would be read as issued.
    problems += [
        f"{path} lies beside a committed file"
        for path in strangers
        if Path(path).parent.as_posix() in issues
    ]
    orphans = [path for path in strangers if Path(path).parent.as_posix() not in issues]
    return Finding(
        f"{len(committed):,} files, {rows:,} rows, {len(orphans):,} orphans",
        problems,
        [f"{path} was never committed" for path in orphans],
    )


def _row_count(evidence: Evidence, path: Path) -> int:
    try:
        (count,) = evidence.row(f"select sum(num_rows) from parquet_file_metadata({literal(path)})")
    except duckdb.Error:
        return 0
    return int(count)


def _frozen_paths(evidence: Evidence) -> list[str]:
    landing = evidence.settings.landing
    return [
        path.relative_to(landing).as_posix()
        for path in sorted(landing.glob("issued_*/*/*.parquet"))
        if path.parent.name != "issue_id=none"
    ]


def _incomplete_issues(evidence: Evidence) -> list[str]:
    """Return what is wrong with whole issues: a pass is frozen once, in all its kinds."""
    kinds = len(frozen_entities(evidence.settings))
    return [
        f"pass {pass_id}: {found} kinds of rows frozen in {issues} issues, expected {kinds} in one"
        if is_issued
        else f"pass {pass_id} has frozen files but is not issued"
        for pass_id, is_issued, found, issues in evidence.rows(
            """
            with issued as (
                select distinct pass_id from ledger.pass_transitions where state = 'issued'
            ),
            frozen as (
                select pass_id, count(distinct entity) as kinds, count(*) as files,
                    count(distinct issue_id) as issues
                from ledger.frozen_files
                group by pass_id
            )
            select
                coalesce(issued.pass_id, frozen.pass_id),
                issued.pass_id is not null,
                coalesce(frozen.kinds, 0),
                coalesce(frozen.issues, 0)
            from issued
            full join frozen on issued.pass_id = frozen.pass_id
            where
                issued.pass_id is null
                or coalesce(frozen.kinds, 0) <> ?
                or frozen.files <> frozen.kinds
                or frozen.issues <> 1
            order by all
            """,
            [kinds],
        )
    ]


@checks("law 3", "every document has its frozen invoice, and every frozen invoice its document")
def documents_have_invoices(evidence: Evidence) -> Finding:
    """Match invoices of the ledger with frozen ones, field by field where both hold it."""
    pairs = evidence.rows(
        """
        with documents as (
            select * from ledger.documents where document_type = 'invoice'
        )
        select
            coalesce(documents.document_number, 'no number'),
            coalesce(documents.document_id, invoices.invoice_id),
            documents.document_id is not null,
            invoices.invoice_id is not null
        from documents
        full join frozen.invoices as invoices
            on
                documents.document_id = invoices.invoice_id
                and documents.pass_id = invoices.pass_id
                and documents.billing_account_id = invoices.billing_account_id
                and documents.legal_entity_id = invoices.legal_entity_id
                and documents.issue_date = invoices.issue_date
                and documents.currency_code = invoices.currency_code
                and documents.total_amount = invoices.total_amount
        """
    )
    problems = [
        f"{number} ({document_id}) has no equal frozen invoice"
        if has_document
        else f"frozen invoice {document_id} has no equal document"
        for number, document_id, has_document, has_invoice in sorted(pairs)
        if not (has_document and has_invoice)
    ]
    return Finding(f"{sum(one[2] for one in pairs):,} documents", problems)


@checks("law 3", "every rendered document is in the store, byte for byte")
def documents_are_stored(evidence: Evidence) -> Finding:
    """Hash each stored file again; list files that no ledger row names."""
    store = evidence.settings.documents.resolve()
    rendered = evidence.rows(
        """
        select rendered.path, rendered.sha256, rendered.size_bytes, documents.document_number
        from ledger.rendered_documents as rendered
        left join ledger.documents as documents on rendered.document_id = documents.document_id
        order by rendered.sequence
        """
    )
    problems = []
    for path, sha256, size, number in rendered:
        full = (store / path).resolve()
        if number is None:
            problems.append(f"{path} is rendered from a document that was never issued")
        elif not full.is_relative_to(store):
            problems.append(f"{number}: {path} lies outside the store")
        elif not full.is_file():
            problems.append(f"{number}: {path} is missing")
        elif full.stat().st_size != size or sha256_file(full) != sha256:
            problems.append(f"{number}: {path} is not what was rendered")
    known = {path for path, _, _, _ in rendered}
    there = (path.relative_to(store).as_posix() for path in sorted(store.glob("*/*")))
    unknown = [path for path in there if path not in known]
    return Finding(
        f"{len(rendered):,} files, {len(unknown):,} that no row names",
        problems,
        [f"{path} is in the store and in no row" for path in unknown],
    )


CHECKS = (
    ledger_is_append_only,
    ledger_has_no_gap,
    exports_equal_ledger,
    frozen_files_are_committed,
    documents_have_invoices,
    documents_are_stored,
)
