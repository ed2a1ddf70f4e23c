"""Publish the marts for BI: one read-only DuckDB file and Parquet, each swapped by one rename.

Readers keep what they have opened: the DuckDB file is replaced by name only, and a Parquet
generation stays one publication longer than it is current.
"""

from __future__ import annotations

import json
import secrets
import shutil
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from orchestration.lib.errors import TollhouseError
from orchestration.lib.files import (
    replace_atomically,
    sync_file,
    sync_folder,
    temporary_beside,
    write_atomically,
)
from orchestration.lib.lock import writer_lock
from orchestration.settings import Settings

FILE_NAME = "tollhouse.duckdb"
CURRENT = "current"
# The warehouse is attached under this name, the new file under the other.
SOURCE, TARGET = "source", "target"
NOTE = """\
# Published marts

Tables for BI, one generation at a time; a generation is one state of the warehouse.

- `tollhouse.duckdb`: schema `marts`, read-only. Table `published.generation` names the generation.
  Open it by its name; a connection keeps the generation it opened, whatever is published meanwhile.
- `parquet/current`: a link to the folder of the newest generation, one file per mart. Follow the
  link once (`realpath parquet/current`) and read all files from that folder: it stays until the
  second publication after it. `generation.json` in it lists the files and their row counts.
"""


class PublishError(TollhouseError):
    """Nothing was published; what was published before is still there."""


@dataclass(frozen=True)
class PublishSummary:
    """What was published, for the operator."""

    generation: str
    database: Path
    parquet: Path
    row_counts: dict[str, int]
    seconds: float

    def __str__(self) -> str:
        return (
            f"published {len(self.row_counts)} marts with {sum(self.row_counts.values()):,} rows "
            f"as generation {self.generation} in {self.seconds:.1f} s: {self.database}"
        )


def publish_marts(settings: Settings) -> PublishSummary:
    """Publish every table of schema `marts` as one generation; return what was published.

    Built beside and swapped when whole; killed anywhere, readers keep the generation before. Takes
    the writer lock, so that no build changes the marts half-way. Raises `PublishError` when there
    is no mart yet.
    """
    if not settings.warehouse.is_file():
        raise PublishError("nothing to publish: no bill run has built the warehouse yet")
    started = time.monotonic()
    generation = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
    database = settings.published / FILE_NAME
    folder = settings.published / "parquet" / generation
    with writer_lock(settings, 60):
        folder.parent.mkdir(parents=True, exist_ok=True)
        _remove_unfinished(settings.published)
        temporary, unfinished = temporary_beside(database), temporary_beside(folder)
        row_counts = _build(settings.warehouse, temporary, unfinished, generation)
        temporary.chmod(0o444)
        unfinished.replace(folder)
        write_atomically(settings.published / "README.md", NOTE.encode())
        replace_atomically(temporary, database)
        _point_to(folder)
        _remove_old(folder)
    seconds = round(time.monotonic() - started, 2)
    return PublishSummary(generation, database, folder, row_counts, seconds)


def _build(warehouse: Path, database: Path, folder: Path, generation: str) -> dict[str, int]:
    """Copy the marts into a new DuckDB file and a new folder of Parquet; return rows per mart."""
    folder.mkdir()
    with duckdb.connect() as connection:
        connection.execute(f"attach {_text(str(warehouse))} as {SOURCE} (read_only)")
        connection.execute(f"attach {_text(str(database))} as {TARGET} (storage_version 'v1.0.0')")
        row_counts = {table: _copy_table(connection, table, folder) for table in _marts(connection)}
        _copy_comments(connection)
        connection.execute(f"create schema {TARGET}.published")
        connection.execute(
            f"create table {TARGET}.published.generation as select"
            f" {_text(generation)} as generation"
        )
        connection.execute(f"detach {TARGET}")
    described = {"generation": generation, "row_counts": row_counts}
    write_atomically(folder / "generation.json", json.dumps(described, indent=2).encode())
    return row_counts


def _marts(connection: duckdb.DuckDBPyConnection) -> list[str]:
    rows = connection.execute(
        # A warehouse that Spark built has views of its tables.
        "select table_name from duckdb_tables()"
        " where database_name = $source and schema_name = 'marts'"
        " union all select view_name from duckdb_views()"
        " where database_name = $source and schema_name = 'marts' order by 1",
        {"source": SOURCE},
    ).fetchall()
    if not rows:
        raise PublishError("nothing to publish: no bill run has built the marts yet")
    connection.execute(f"create schema {TARGET}.marts")
    return [str(row[0]) for row in rows]


def _copy_table(connection: duckdb.DuckDBPyConnection, table: str, folder: Path) -> int:
    name = _name(table)
    connection.execute(f"create table {TARGET}.marts.{name} as from {SOURCE}.marts.{name}")
    path = folder / f"{table}.parquet"
    counted = connection.execute(
        f"copy {SOURCE}.marts.{name} to {_text(str(path))} (format parquet, compression zstd)"
    ).fetchone()
    sync_file(path)
    return int(counted[0]) if counted else 0


def _copy_comments(connection: duckdb.DuckDBPyConnection) -> None:
    """Carry the descriptions over: a BI tool shows them beside tables and columns."""
    commented = connection.execute(
        """
        select table_name, null, comment
        from duckdb_tables()
        where database_name = $source and schema_name = 'marts' and comment is not null
        union all
        select view_name, null, comment
        from duckdb_views()
        where database_name = $source and schema_name = 'marts' and comment is not null
        union all
        select table_name, column_name, comment
        from duckdb_columns()
        where database_name = $source and schema_name = 'marts' and comment is not null
        """,
        {"source": SOURCE},
    ).fetchall()
    for table, column, comment in commented:
        target = f"{TARGET}.marts.{_name(table)}"
        what = f"column {target}.{_name(column)}" if column else f"table {target}"
        connection.execute(f"comment on {what} is {_text(comment)}")


def _point_to(folder: Path) -> None:
    """Let `current` name this generation, by one rename."""
    current = folder.parent / CURRENT
    if current.is_dir() and not current.is_symlink():
        # A home copied without its links: what lies there is a copy of a generation.
        shutil.rmtree(current)
    link = temporary_beside(current)
    link.symlink_to(folder.name)
    link.replace(current)
    sync_folder(folder.parent)


def _remove_old(folder: Path) -> None:
    """Remove the generations before the last one: a reader may still be in that."""
    before = sorted(
        (one for one in _generations(folder.parent) if one != folder),
        key=lambda one: (one.stat().st_mtime_ns, one.name),
    )
    for one in before[:-1]:
        shutil.rmtree(one)


def _generations(parquet: Path) -> list[Path]:
    return [
        one
        for one in parquet.iterdir()
        if one.is_dir()
        and not one.is_symlink()
        and one.name != CURRENT
        and not one.name.startswith(".")
    ]


def _remove_unfinished(published: Path) -> None:
    """Remove what a publication left behind that was killed; the lock says that none is at work."""
    for one in [*published.glob(".*.tmp*"), *(published / "parquet").glob(".*.tmp*")]:
        if one.is_dir() and not one.is_symlink():
            shutil.rmtree(one)
        else:
            one.unlink()


def _name(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
