"""Law 1: the marts are a function of landing, ledger, seeds and the models.

Two sides are built over the live landing with today's seeds: a copy of the live warehouse, updated
incrementally, and one from scratch. Their marts must be equal. The live file is only copied. Both
are built on DuckDB; of what Spark built, the issued rows are compared with them.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

import duckdb

from orchestration.lib.dbt import Dbt, NodeResult, Workspace
from orchestration.lib.errors import TollhouseError
from orchestration.lib.files import sha256_file
from orchestration.settings import Settings
from orchestration.verify.evidence import attach, literal
from orchestration.verify.law_check import Finding, LawCheck, judge

INCREMENTAL, REBUILT = "incremental", "rebuilt"
SAME_MARTS = "the warehouse updated incrementally and one built from scratch have equal marts"
LIVE_ISSUED = "what the live marts show as issued is what was frozen"
LIVE_UNTOUCHED = "verifying does not touch the live warehouse"

# Marts with issued rows, and which rows those are. They never change again, so they are equal also
# while the rest of a live mart waits for the next build.
ISSUED_ROWS = {
    "fct_charges": "billing_status = 'issued'",
    "fct_invoice_lines": "billing_status = 'issued'",
    "fct_invoice_taxes": "billing_status = 'issued'",
    "fct_invoices": "billing_status = 'issued'",
    "fct_rated_usage": "usage_status = 'billed'",
}


@dataclass(frozen=True)
class Fingerprint:
    """The content of a table: its columns, how many rows, and a sum of hashes in any order."""

    columns: tuple[tuple[str, str], ...]
    row_count: int
    hash_sum: int


@dataclass(frozen=True)
class Side:
    """One warehouse of the comparison: `error` says why it could not be built."""

    name: str
    warehouse: Path
    results: tuple[NodeResult, ...] = ()
    error: str = ""
    seconds: float = 0

    @property
    def problems(self) -> list[str]:
        """What went wrong while it was built: failed models, seeds and tests by name."""
        if self.error:
            return [f"{self.name}: {self.error}"]
        return [
            f"{self.name}: {one.unique_id.split('.')[2]}: {' '.join(one.message.split())[:300]}"
            for one in self.results
            if one.has_failed
        ]


@dataclass(frozen=True)
class Sides:
    """Both sides, what the live marts show as issued, and whether the live file stayed the same.

    Without a live warehouse there is no incremental side and nothing that it shows; on Spark there
    is none either, since every table is built whole. `why_none` says which.
    """

    rebuilt: Side
    incremental: Side | None
    live_issued: Finding | None
    is_live_untouched: bool
    why_none: str = "no live warehouse yet"


def build_sides(
    settings: Settings, workspace: Workspace, dbt: Dbt, say: Callable[[str], None]
) -> Sides:
    """Build both sides one after the other in the folder of a scratch workspace.

    `dbt` is that workspace's: it is parsed once and then pointed at one warehouse after the other,
    which the manifest does not name. The caller holds the writer lock and has written the exports.
    """
    folder = workspace.warehouse.parent
    before = _state(settings.warehouse)
    incremental, live_issued, why_none = None, None, "no live warehouse yet"
    say("building a warehouse from scratch")
    rebuilt = _build(dbt, workspace, REBUILT, _side_path(folder, REBUILT), full_refresh=True)
    if settings.warehouse.exists():
        path = _side_path(folder, INCREMENTAL)
        _copy_warehouse(settings.warehouse, path)
        live_issued = _compare_issued(path, rebuilt)
        if settings.engine == "spark":
            why_none = "Spark builds every table whole"
        else:
            say("building a copy of the warehouse incrementally")
            incremental = _build(dbt, workspace, INCREMENTAL, path, full_refresh=False)
    is_untouched = before == _state(settings.warehouse)
    return Sides(rebuilt, incremental, live_issued, is_untouched, why_none)


def check_sides(sides: Sides) -> list[LawCheck]:
    """Compare the two sides' marts, and the live file with what it was."""
    finding = Finding(sides.why_none, sides.rebuilt.problems)
    if sides.incremental is not None:
        problems = [*sides.incremental.problems, *sides.rebuilt.problems]
        finding = Finding("not built", problems)
        if not problems:
            finding = _compare(sides.incremental, sides.rebuilt)
    touched = [] if sides.is_live_untouched else ["warehouse.duckdb has changed meanwhile"]
    return [
        judge("law 1", SAME_MARTS, finding),
        judge("law 5", LIVE_ISSUED, sides.live_issued or Finding("no live warehouse yet")),
        judge("law 1", LIVE_UNTOUCHED, Finding("SHA-256 and time before = after", touched)),
    ]


def fingerprints(
    sql: duckdb.DuckDBPyConnection, catalog: str, schema: str = "marts"
) -> dict[str, Fingerprint]:
    """Return the fingerprint of every table of a schema of an attached database."""
    return {
        table: _fingerprint(sql, f'"{catalog}"."{schema}"."{table}"', columns)
        for table, columns in _columns(sql, catalog, schema).items()
    }


def _columns(
    sql: duckdb.DuckDBPyConnection, catalog: str, schema: str = "marts"
) -> dict[str, tuple[tuple[str, str], ...]]:
    """Return name and type of all columns of each table of a schema."""
    found = sql.execute(
        """
        select table_name, column_name, data_type
        from duckdb_columns()
        where database_name = ? and schema_name = ?
        order by table_name, column_index
        """,
        [catalog, schema],
    ).fetchall()
    columns: dict[str, tuple[tuple[str, str], ...]] = {}
    for table, name, kind in found:
        columns[table] = (*columns.get(table, ()), (name, kind))
    return columns


def _fingerprint(
    sql: duckdb.DuckDBPyConnection, relation: str, columns: tuple[tuple[str, str], ...]
) -> Fingerprint:
    # One hash a row over all columns; added up, so that the order of rows does not matter.
    listed = ", ".join(f'"{name}"' for name, _ in columns)
    row = sql.execute(
        f"select count(*), coalesce(sum(hash({listed})::hugeint), 0) from {relation}"
    ).fetchone()
    count, hash_sum = row if row else (0, 0)
    return Fingerprint(columns, int(count), int(hash_sum))


def _compare(incremental: Side, rebuilt: Side) -> Finding:
    with duckdb.connect() as sql:
        for side in (incremental, rebuilt):
            attach(sql, side.warehouse, side.name)
        left, right = fingerprints(sql, INCREMENTAL), fingerprints(sql, REBUILT)
        # A table that no model makes any more stays in the live file; it is no mart.
        problems = [
            _difference(sql, mart, left.get(mart), wanted)
            for mart, wanted in right.items()
            if left.get(mart) != wanted
        ]
    rows = sum(one.row_count for one in right.values())
    seconds = incremental.seconds + rebuilt.seconds
    return Finding(f"{len(right)} marts, {rows:,} rows, built in {seconds:.0f} s", problems)


def _difference(
    sql: duckdb.DuckDBPyConnection, mart: str, left: Fingerprint | None, right: Fingerprint
) -> str:
    if left is None:
        return f"{mart} is missing from the incremental side"
    if left.columns != right.columns:
        return f"{mart} has other columns on the two sides"
    one, other = f'{INCREMENTAL}.marts."{mart}"', f'{REBUILT}.marts."{mart}"'
    row = sql.execute(
        f"""
        select
            (select count(*) from (select * from {one} except all select * from {other})),
            (select count(*) from (select * from {other} except all select * from {one}))
        """
    ).fetchone()
    only_left, only_right = row if row else (0, 0)
    return f"{mart}: {only_left:,} rows only incrementally, {only_right:,} only from scratch"


def _compare_issued(copied: Path, rebuilt: Side) -> Finding:
    """Compare the issued rows of the copied live marts with those of the rebuilt ones, by pass."""
    if rebuilt.problems:
        return Finding("not compared", [f"{rebuilt.name} was not built"])
    try:
        with duckdb.connect() as sql:
            # Writable: a log that a killed writer left beside the file is replayed in the copy.
            sql.execute(f"attach {literal(copied)} as live")
            attach(sql, rebuilt.warehouse, REBUILT)
            return _compare_issued_rows(sql)
    except duckdb.Error as error:
        return Finding("not compared", [" ".join(str(error).split())[:300]])


def _compare_issued_rows(sql: duckdb.DuckDBPyConnection) -> Finding:
    rows, problems = 0, []
    shapes = {name: _columns(sql, name) for name in ("live", REBUILT)}
    for mart, condition in ISSUED_ROWS.items():
        # A live mart of an older shape is compared by the columns that both have.
        common = set(shapes["live"].get(mart, ())) & set(shapes[REBUILT].get(mart, ()))
        if not common:
            continue
        listed = ", ".join(f'"{name}"' for name, _ in sorted(common))
        query = (
            f"select pass_id, count(*), sum(hash({listed})::hugeint) "
            f'from {{}}.marts."{mart}" where {condition} group by pass_id order by pass_id'
        )
        live = sql.execute(query.format("live")).fetchall()
        known = {one[0]: one for one in sql.execute(query.format(REBUILT)).fetchall()}
        rows += sum(one[1] for one in live)
        problems += [
            f"{mart}: {one[1]:,} issued rows of pass {one[0]} differ from what was frozen"
            for one in live
            if known.get(one[0]) != one
        ]
    return Finding(f"{rows:,} rows", problems)


def _build(dbt: Dbt, workspace: Workspace, name: str, path: Path, *, full_refresh: bool) -> Side:
    started = perf_counter()
    dbt.workspace = replace(workspace, warehouse=path)
    try:
        # Tested once: what holds on one side holds on the other, whose marts are equal.
        results = tuple(dbt.build(full_refresh=full_refresh, data_tests=full_refresh))
    except TollhouseError as error:
        return Side(name, path, error=str(error))
    return Side(name, path, results, seconds=perf_counter() - started)


def _side_path(folder: Path, name: str) -> Path:
    # The stem stays the same: dbt writes it into the manifest as the catalog's name.
    path = folder / name / "warehouse.duckdb"
    path.parent.mkdir(parents=True)
    return path


def _log(warehouse: Path) -> Path:
    return warehouse.with_name(f"{warehouse.name}.wal")


def _copy_warehouse(live: Path, path: Path) -> None:
    shutil.copyfile(live, path)
    if _log(live).exists():
        shutil.copyfile(_log(live), _log(path))


def _state(warehouse: Path) -> tuple[tuple[str, int] | None, ...]:
    return tuple(
        (sha256_file(path), path.stat().st_mtime_ns) if path.exists() else None
        for path in (warehouse, _log(warehouse))
    )
