"""Apache Spark as the engine of a build: dbt in a process of its own, its tables for every reader.

Spark keeps one session a process and locks its catalog while it lasts. A child process ends both
with the build, as closing its connections does for DuckDB. What Spark builds are folders of
Parquet; one DuckDB file of views shows them to all that reads the warehouse, under the same names.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from orchestration.lib.errors import TollhouseError

# The parent holds the other end of its standard input: the child does not outlive it, and the JVM
# does not outlive the child.
CHILD = """
import os, sys, threading

def end_with_parent():
    sys.stdin.buffer.read()
    os._exit(3)

threading.Thread(target=end_with_parent, daemon=True).start()
from dbt.cli.main import cli
cli()
"""
Row = dict[str, Any]


class SparkError(TollhouseError):
    """Spark is not there, or dbt on Spark did not start."""


def what_is_missing() -> str:
    """Return what a build on Spark lacks here, an empty text when it lacks nothing."""
    missing = []
    if any(importlib.util.find_spec(name) is None for name in ("pyspark", "dbt.adapters.spark")):
        missing.append("the extra tollhouse[spark]")
    if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
        missing.append("Java 17")
    return " and ".join(missing)


def run_dbt(
    arguments: Sequence[str], environment: Mapping[str, str], folder: Path, target: Path
) -> list[Row]:
    """Run dbt with `arguments` in a child process and return its results, one row per node.

    `folder` is its working folder, `target` the target path among the arguments. A failed node is a
    row; raises `SparkError` when dbt itself did not come to an end.
    """
    missing = what_is_missing()
    if missing:
        raise SparkError(f"building on Spark needs {missing}")
    results = target / "run_results.json"
    results.unlink(missing_ok=True)
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as child:
        said = child.stdout.read() if child.stdout else ""
    if not results.is_file():
        last = next((line for line in reversed(said.splitlines()) if line.strip()), "no reason")
        raise SparkError(f"dbt on Spark ended with {child.returncode}: {last.strip()[:400]}")
    found: list[Row] = json.loads(results.read_text(encoding="utf-8"))["results"]
    return found


def show_tables(readers: duckdb.DuckDBPyConnection, tables: Path, manifest: Path) -> None:
    """Make a view, with dbt's descriptions, of every table that Spark has built.

    `tables` is Spark's warehouse folder. Instants lose the zone that Spark writes: they are UTC.
    """
    nodes = json.loads(manifest.read_text(encoding="utf-8"))["nodes"].values()
    for node in nodes:
        folder = tables / f"{node['schema']}.db" / node["name"]
        if node["resource_type"] in ("seed", "model") and any(folder.glob("*.parquet")):
            _show(readers, node, folder)


def _show(readers: duckdb.DuckDBPyConnection, node: Mapping[str, Any], folder: Path) -> None:
    files = f"read_parquet({_text(str(folder))} || '/*.parquet')"
    described = readers.execute(f"describe select * from {files}").fetchall()
    columns = ", ".join(
        f"{_name(name)} at time zone 'UTC' as {_name(name)}"
        if kind == "TIMESTAMP WITH TIME ZONE"
        else _name(name)
        for name, kind, *_ in described
    )
    view = f"{_name(node['schema'])}.{_name(node['name'])}"
    readers.execute(f"create schema if not exists {_name(node['schema'])}")
    readers.execute(f"create or replace view {view} as select {columns} from {files}")
    if not node["config"]["persist_docs"].get("relation"):
        return
    readers.execute(f"comment on view {view} is {_text(node['description'])}")
    for name, column in node["columns"].items():
        if column["description"]:
            comment = _text(column["description"])
            readers.execute(f"comment on column {view}.{_name(name)} is {comment}")


def _name(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
