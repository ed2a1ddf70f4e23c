"""The ledger as Parquet, so that dbt reads it as a source like any other.

`exports/ledger/<table>/*.parquet` holds part files named `<first>-<last>.parquet` by sequence, each
made whole beside its name and then renamed; a run adds only what is new. A file without rows is
always there, so that a glob finds the columns before the first row does. `exports/ledger` is a link
to one generation: when parts and ledger disagree a new generation is built and the link moves over.
"""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
from sqlalchemy import BigInteger, Connection, Date, Integer, Table, Text, func, select

from orchestration.ledger.schema import LEDGER_TABLES, DecimalText, UtcTimestamp
from orchestration.ledger.store import Ledger
from orchestration.lib.files import replace_atomically, sync_folder, temporary_beside
from orchestration.lib.lock import writer_lock
from orchestration.settings import Settings

DIGITS = 20
ROWS_PER_PART = 200_000
MAX_PARTS = 100
WAIT_SECONDS = 60.0

_EMPTY = f"{0:0{DIGITS}d}.parquet"
_PART = re.compile(rf"(\d{{{DIGITS}}})-(\d{{{DIGITS}}})\.parquet")


@dataclass(frozen=True)
class LedgerExport:
    """What one export did: rows added by table, and whether the parts had to be built anew."""

    folder: Path
    added_counts: dict[str, int]
    is_rebuilt: bool


@dataclass(frozen=True)
class _Part:
    """One part file as its own rows describe it."""

    first: int
    last: int
    row_count: int
    last_recorded_at: datetime


def export_ledger(ledger: Ledger, settings: Settings) -> LedgerExport:
    """Bring `exports/ledger` to the present state of the ledger, all tables as of one moment.

    Holds the writer lock. Killed anywhere, the next call goes on from the last whole part; parts
    that overlap, miss rows, are damaged, stem from another ledger or an older shape are replaced.
    """
    link = settings.exports / "ledger"
    with writer_lock(settings, WAIT_SECONDS), ledger.read() as connection, _engine() as engine:
        settings.exports.mkdir(parents=True, exist_ok=True)
        generation = _sweep(link)
        done = _agreed(engine, connection, generation) if generation else None
        if generation is not None and done is not None:
            added = _add_all(engine, connection, generation, done)
            return LedgerExport(link, added, is_rebuilt=False)
        fresh = link.with_name(f"{link.name}.{secrets.token_hex(8)}")
        added = _add_all(engine, connection, fresh, {table.name: 0 for table in LEDGER_TABLES})
        _point(link, fresh)
        _sweep(link)
        return LedgerExport(link, added, is_rebuilt=True)


@contextmanager
def _engine() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect(":memory:", config={"threads": 1})
    try:
        yield connection
    finally:
        connection.close()


def _sweep(link: Path) -> Path | None:
    """Remove what a killed export left behind; return the generation the link points to."""
    generation = link.resolve() if link.is_symlink() and link.is_dir() else None
    for leftover in link.parent.glob(f"{link.name}.*"):
        if leftover.is_symlink() or leftover.is_file():
            leftover.unlink()
        elif leftover.resolve() != generation:
            shutil.rmtree(leftover)
    if generation is not None:
        for temporary in generation.glob("*/.*.tmp"):
            temporary.unlink()
    return generation


def _point(link: Path, generation: Path) -> None:
    """Move the link over to a finished generation, in one rename."""
    sync_folder(generation)
    if link.is_dir() and not link.is_symlink():
        # A home copied without its links; there is no swapping a folder, so it steps aside.
        link.rename(link.with_name(f"{link.name}.{secrets.token_hex(8)}"))
    fresh = link.with_name(f"{link.name}.{secrets.token_hex(8)}")
    fresh.symlink_to(generation.name)
    fresh.replace(link)
    sync_folder(link.parent)


def _agreed(
    engine: duckdb.DuckDBPyConnection, connection: Connection, generation: Path
) -> dict[str, int] | None:
    """Return the last exported sequence of each table, or None when one disagrees."""
    done = {}
    for table in LEDGER_TABLES:
        try:
            last = _agreed_last(engine, connection, table, generation / table.name)
        except duckdb.Error:
            # A part that cannot be read is as good as none.
            return None
        if last is None:
            return None
        done[table.name] = last
    return done


def _agreed_last(
    engine: duckdb.DuckDBPyConnection, connection: Connection, table: Table, folder: Path
) -> int | None:
    names = sorted(path.name for path in folder.glob("*.parquet"))
    if not names or names[0] != _EMPTY or len(names) > MAX_PARTS:
        return None
    if _columns_of(engine, folder / _EMPTY) != _parquet_columns(table):
        return None
    parts: list[_Part] = []
    for name in names[1:]:
        part = _describe(engine, folder / name)
        previous = parts[-1].last if parts else 0
        if part is None or part.first <= previous:
            return None
        parts.append(part)
    return _last_if_equal(connection, table, parts)


def _columns_of(engine: duckdb.DuckDBPyConnection, path: Path) -> list[tuple[str, str]]:
    rows = engine.execute("describe select * from read_parquet(?)", [str(path)]).fetchall()
    return [(str(row[0]), str(row[1]).lower()) for row in rows]


def _describe(engine: duckdb.DuckDBPyConnection, path: Path) -> _Part | None:
    """Read what a part holds; None when its name says something else."""
    named = _PART.fullmatch(path.name)
    (row,) = engine.execute(
        "select min(sequence), max(sequence), count(distinct sequence), count(*), "
        "max_by(recorded_at, sequence) from read_parquet(?)",
        [str(path)],
    ).fetchall()
    if named is None or row[:2] != tuple(map(int, named.groups())):
        return None
    first, last, distinct_count, row_count, last_recorded_at = row
    if distinct_count != row_count:
        return None
    return _Part(first, last, row_count, last_recorded_at)


def _last_if_equal(connection: Connection, table: Table, parts: Sequence[_Part]) -> int | None:
    """Compare the parts with the ledger: as many rows up to each end, and the same last row.

    The moment of that row tells this ledger from another one of the same length.
    """
    sequence = table.c.sequence
    for part in parts:
        count = connection.scalar(
            select(func.count()).select_from(table).where(sequence.between(part.first, part.last))
        )
        recorded_at = connection.scalar(select(table.c.recorded_at).where(sequence == part.last))
        if count != part.row_count or recorded_at is None:
            return None
        if recorded_at.replace(tzinfo=None) != part.last_recorded_at:
            return None
    last = parts[-1].last if parts else 0
    exported = sum(part.row_count for part in parts)
    count = connection.scalar(select(func.count()).select_from(table).where(sequence <= last))
    return last if count == exported else None


def _add_all(
    engine: duckdb.DuckDBPyConnection,
    connection: Connection,
    generation: Path,
    done: dict[str, int],
) -> dict[str, int]:
    added = {}
    for table in LEDGER_TABLES:
        folder = generation / table.name
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / _EMPTY).exists():
            _write_part(engine, table, [], folder / _EMPTY)
        added[table.name] = _add(engine, connection, table, folder, done[table.name])
    return added


def _add(
    engine: duckdb.DuckDBPyConnection,
    connection: Connection,
    table: Table,
    folder: Path,
    last: int,
) -> int:
    """Write the rows beyond `last` as parts; return how many."""
    added = 0
    while True:
        rows = connection.execute(
            select(table)
            .where(table.c.sequence > last)
            .order_by(table.c.sequence)
            .limit(ROWS_PER_PART)
        ).all()
        if not rows:
            return added
        first, last = rows[0].sequence, rows[-1].sequence
        name = f"{first:0{DIGITS}d}-{last:0{DIGITS}d}.parquet"
        _write_part(engine, table, rows, folder / name)
        added += len(rows)


def _write_part(
    engine: duckdb.DuckDBPyConnection, table: Table, rows: Sequence[Any], path: Path
) -> None:
    """Write rows with exact types: they pass through text, never through a float."""
    columns = _parquet_columns(table)
    values: list[list[str | None]] = [
        [_text(row[position]) for row in rows] for position in range(len(columns))
    ]
    unnested = ", ".join(f"unnest(?::varchar[]) as {name}" for name, _ in columns)
    typed = ", ".join(f"cast({name} as {kind}) as {name}" for name, kind in columns)
    temporary = temporary_beside(path)
    query = f"select {typed} from (select {unnested})"
    engine.sql(query, params=values).write_parquet(str(temporary))
    replace_atomically(temporary, path)


def _parquet_columns(table: Table) -> list[tuple[str, str]]:
    return [(column.name, _parquet_type(column.type)) for column in table.columns]


def _parquet_type(column_type: Any) -> str:
    kinds = {
        DecimalText: "decimal(18,4)",
        UtcTimestamp: "timestamp",
        Date: "date",
        Text: "varchar",
        BigInteger: "bigint",
        Integer: "integer",
    }
    return next(kind for known, kind in kinds.items() if isinstance(column_type, known))


def _text(value: object) -> str | None:
    match value:
        case None:
            return None
        case Decimal():
            return f"{value:f}"
        case datetime():
            return value.replace(tzinfo=None).isoformat(sep=" ")
        case date():
            return value.isoformat()
        case _:
            return str(value)
