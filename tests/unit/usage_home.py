"""Homes with usage sources of their own, for tests: seeds, files, and what landed."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from orchestration.settings import Settings

ROOT = Path(__file__).parents[2]
RECEIVED = datetime(2026, 11, 1, 3, 0)  # noqa: DTZ001 - landing keeps UTC without a time zone
COLUMNS: Mapping[str, Sequence[str]] = {
    name: (ROOT / "seeds" / "policy" / f"{name}.csv").read_text("utf-8").splitlines()[0].split(",")
    for name in ("usage_sources", "usage_source_fields", "usage_source_values")
}
SHOWN = (
    "record_id, service, direction, identifier, other_number,"
    " strftime(started_at, '%Y-%m-%dT%H:%M:%SZ'), utc_offset_minutes, duration_seconds,"
    " volume_bytes, serving_network"
)

Row = Mapping[str, str]


def make_home(folder: Path, sources: Sequence[Row], fields: str, values: str = "") -> Settings:
    """Return settings whose seeds are these sources.

    `fields` and `values` have one row a line, as in the seeds but for the source, the first one's.
    """
    policy = folder / "project" / "seeds" / "policy"
    policy.mkdir(parents=True)
    shutil.copy(ROOT / "seeds" / "policy" / "_policy__seeds.yml", policy)
    name = sources[0]["source_id"]
    write_seed(policy, "usage_sources", [{"description": "A test", **row} for row in sources])
    for seed, text in (("usage_source_fields", fields), ("usage_source_values", values)):
        columns = COLUMNS[seed]
        rows = [[name, *line] for line in csv.reader(io.StringIO(text.strip()))]
        padded = [[*row, *[""] * (len(columns) - len(row))] for row in rows]
        write_seed(policy, seed, [dict(zip(columns, row, strict=True)) for row in padded])
    return Settings(home=folder / "home", project_root=folder / "project")


def write_seed(policy: Path, name: str, rows: Sequence[Row]) -> None:
    with (policy / f"{name}.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS[name], restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def put(settings: Settings, folder: str, name: str, content: bytes | str) -> Path:
    path = settings.inbox / folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def landed(settings: Settings, columns: str = SHOWN, table: str = "usage") -> list[tuple[Any, ...]]:
    """Return a table's rows in the order of files and records."""
    files = f"{settings.landing}/{table}/*/*.parquet"
    with duckdb.connect() as sql:
        sql.execute("set timezone = 'UTC'")
        return sql.execute(
            f"select {columns} from read_parquet('{files}', union_by_name=true)"
            " order by file_id, record_number"
        ).fetchall()
