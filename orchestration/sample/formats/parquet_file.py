"""Parquet with instants and whole numbers, as a mediation system hands usage on."""

from __future__ import annotations

import csv
from pathlib import Path

import duckdb

from orchestration.sample.formats.events import Event, UsageFile, Writer

_COLUMNS = {
    "id": "varchar",
    "kind": "varchar",
    "way": "varchar",
    "a": "varchar",
    "b": "varchar",
    "begin": "timestamptz",
    "seconds": "bigint",
    "bytes": "bigint",
    "net": "varchar",
    "rating_group": "varchar",
}


def tells(event: Event) -> Event | None:
    """Return the event in UTC: an instant in Parquet keeps no offset."""
    return event._replace(started_at=event.in_utc)


def write(file: UsageFile, path: Path) -> None:
    """Write a row per event."""
    beside = path.with_name(f"{path.name}.csv")
    with beside.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream, lineterminator="\n")
        for event in file.events:
            rows.writerow(
                (
                    *(event.record_id, event.service, event.direction, event.identifier),
                    *(event.other_number, event.in_utc, event.duration_seconds),
                    *(event.volume_bytes, event.serving_network, event.rating_group),
                )
            )
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in _COLUMNS.items())
    with duckdb.connect(config={"threads": 1}) as sql:
        sql.execute("set timezone = 'UTC'")
        sql.execute(
            f"copy (select * from read_csv($source, header = false, columns = {{{columns}}}))"
            " to $target (format parquet)",
            {"source": str(beside), "target": str(path)},
        )
    beside.unlink()


PARQUET = Writer("parquet", tells, write)
