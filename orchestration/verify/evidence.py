"""What the checks look at: landing, frozen rows and ledger as SQL views, read-only.

The views lie in a DuckDB in memory: schema `landing` has a view per landing table, `ledger` one per
ledger table (of an export made for the verification), `frozen` one per kind of frozen row, of the
files that the ledger committed. The warehouse built from scratch is attached as `warehouse`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from orchestration.collect.entities import (
    BESIDE,
    INBOX_ENTITIES,
    MANIFEST,
    MANIFEST_DEFAULTS,
)
from orchestration.issue.frozen import FrozenEntity, frozen_entities
from orchestration.ledger.schema import LEDGER_TABLES
from orchestration.ledger.store import Ledger
from orchestration.settings import Settings

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Evidence:
    """A home as the checks see it. `exports` is the fresh export of its ledger."""

    settings: Settings
    ledger: Ledger
    exports: Path
    sql: duckdb.DuckDBPyConnection

    def rows(self, query: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Return all rows of a query."""
        return self.sql.execute(query, list(parameters)).fetchall()

    def row(self, query: str, parameters: Sequence[object] = ()) -> Row:
        """Return the one row of a query that has one, such as a sum."""
        (found,) = self.rows(query, parameters)
        return found


@contextmanager
def open_evidence(settings: Settings, ledger: Ledger, exports: Path) -> Iterator[Evidence]:
    """Open the evidence of a home whose ledger was exported to `exports`."""
    with duckdb.connect(
        config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    ) as sql:
        sql.execute("set timezone = 'UTC'")
        sql.execute("set enable_progress_bar = false")
        view_landing(sql, settings)
        _view_ledger(sql, exports)
        for entity in frozen_entities(settings):
            _view_frozen(sql, settings, entity)
        yield Evidence(settings, ledger, exports, sql)


def attach(sql: duckdb.DuckDBPyConnection, path: Path, name: str) -> None:
    """Attach a database file read-only under a name."""
    sql.execute(f"attach {literal(path)} as {name} (read_only)")


def literal(value: str | Path) -> str:
    """Return text as an SQL literal: paths are data."""
    return "'" + str(value).replace("'", "''") + "'"


def view_landing(sql: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Make the views of schema `landing`; of a column that a file lacks, what its lack means."""
    sql.execute("create schema landing")
    beside = [table.name for table in BESIDE]
    for name in (MANIFEST.name, *beside, *(entity.name for entity in INBOX_ENTITIES)):
        files = literal(settings.landing / name / "*" / "*.parquet")
        columns = "*"
        if name == MANIFEST.name:
            meant = ", ".join(f"{sql} as {column}" for column, sql in MANIFEST_DEFAULTS.items())
            columns = f"* replace ({meant})"
        sql.execute(
            f"create view landing.{name} as select {columns} from "
            f"read_parquet({files}, hive_partitioning = false, union_by_name = true)"
        )


def _view_ledger(sql: duckdb.DuckDBPyConnection, exports: Path) -> None:
    sql.execute("create schema ledger")
    for table in LEDGER_TABLES:
        files = literal(exports / "ledger" / table.name / "*.parquet")
        sql.execute(
            f"create view ledger.{table.name} as "
            f"select * from read_parquet({files}, hive_partitioning = false)"
        )
    sql.execute("create schema frozen")


def _view_frozen(sql: duckdb.DuckDBPyConnection, settings: Settings, entity: FrozenEntity) -> None:
    """View the committed files that are there; the check of law 3 names those that are not."""
    committed = sql.execute(
        "select path from ledger.frozen_files where entity = ? order by sequence", [entity.name]
    ).fetchall()
    paths = [settings.landing / path for (path,) in committed]
    there = [path for path in paths if path.is_file()]
    empty = settings.landing / entity.landing_table.empty_path
    files = ", ".join(literal(path) for path in (empty, *there))
    columns = ", ".join(name for name, _ in entity.columns)
    sql.execute(
        f"create view frozen.{entity.name} as "
        f"select {columns} from read_parquet([{files}], hive_partitioning = false)"
    )
