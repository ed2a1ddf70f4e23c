"""Any Parquet file: its columns, as text, are the fields."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import duckdb

from orchestration.collect.decode import quote_name
from orchestration.collect.kinds import quote
from orchestration.collect.readers.records import (
    Item,
    NativeRecord,
    Reader,
    ReaderOptions,
    RefusedFile,
)

_AT_ONCE = 1_000


def read_parquet_file(path: Path, _options: ReaderOptions) -> Iterator[Item]:
    """Yield the rows of a Parquet file; instants are ISO 8601, in UTC where they are instants."""
    with duckdb.connect(config={"threads": 1}) as sql:
        sql.execute("set timezone = 'UTC'")
        sql.execute("set enable_progress_bar = false")
        columns = parquet_columns(sql, path)
        listed = ", ".join(f"cast({quote_name(name)} as varchar)" for name in columns)
        number = 0
        try:
            found = sql.execute(f"select {listed} from {read_parquet(path)}")
            while rows := found.fetchmany(_AT_ONCE):
                for row in rows:
                    number += 1
                    pairs = zip(columns, row, strict=True)
                    fields = {name: value for name, value in pairs if value is not None}
                    raw = json.dumps(fields, ensure_ascii=False).encode("utf-8", "backslashreplace")
                    yield NativeRecord(number, number, fields, raw)
        except duckdb.Error as error:
            raise RefusedFile("not_parquet", one_reason(error)) from error


def parquet_columns(sql: duckdb.DuckDBPyConnection, path: Path) -> tuple[str, ...]:
    """Return the names of a file's columns. Raises `RefusedFile` if it is no Parquet."""
    try:
        found = sql.execute(f"describe select * from {read_parquet(path)}").fetchall()
    except duckdb.Error as error:
        raise RefusedFile("not_parquet", one_reason(error)) from error
    return tuple(row[0] for row in found)


def read_parquet(path: Path) -> str:
    """Return SQL for a file's rows."""
    return f"read_parquet({quote(str(path))}, hive_partitioning=false)"


def one_reason(error: Exception) -> str:
    """Return what an engine's error says, in one line, without the path of the work folder."""
    line = re.sub(r"[\"']?/[^\s\"']*[\"']?", "the file", str(error).partition("\n")[0])
    shown = "".join(character if character.isprintable() else "?" for character in line)
    return shown.strip()[:200] or type(error).__name__


PARQUET = Reader(
    "parquet", "Any Parquet file; its columns are the fields.", read_parquet_file, lambda _: None
)
