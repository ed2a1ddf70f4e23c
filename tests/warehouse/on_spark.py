"""Queries on a Spark session of the project's own settings, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pytest
import yaml

from orchestration.lib.spark import what_is_missing

PROFILES = Path(__file__).parents[2] / "dbt_project" / "profiles.yml"
SCRIPT = """
import json, sys
from pyspark.sql import SparkSession

asked = json.load(sys.stdin)
builder = SparkSession.builder.master("local[2]")
for name, value in asked["settings"].items():
    builder = builder.config(name, value)
session = builder.getOrCreate()
for name, path in asked["inputs"].items():
    session.read.parquet(path).createOrReplaceTempView(name)
for path, query in asked["queries"].items():
    session.sql(query).coalesce(1).write.parquet(path)
"""


def require_spark() -> None:
    """Skip the test where Spark is not; the end of the run says so."""
    missing = what_is_missing()
    if missing:
        pytest.skip(f"Spark NOT RUN: this needs {missing}")


def settings_of_the_profile() -> dict[str, str]:
    """Return the settings of the target `spark` that no environment variable fills."""
    profile = yaml.safe_load(PROFILES.read_text("utf-8"))
    declared = profile["tollhouse"]["outputs"]["spark"]["server_side_parameters"]
    return {name: str(value) for name, value in declared.items() if "{{" not in str(value)}


def query_spark(folder: Path, inputs: Mapping[str, Path], queries: Mapping[str, str]) -> None:
    """Write each query's rows to `folder/<name>/*.parquet`; raises with Spark's own reason."""
    asked = {
        "settings": {**settings_of_the_profile(), "spark.sql.shuffle.partitions": "1"},
        "inputs": {name: str(path) for name, path in inputs.items()},
        "queries": {str(folder / name): query for name, query in queries.items()},
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        input=json.dumps(asked),
        cwd=folder,
        capture_output=True,
        text=True,
        env=os.environ,
    )
    assert done.returncode == 0, done.stderr[-4000:]


def differences(left: str, right: str) -> list[tuple[object, ...]]:
    """Return up to 20 rows that only one of two relations has, marked with its side.

    They are compared as the left one's types; Spark writes instants with a zone, in UTC.
    """
    with duckdb.connect() as sql:
        sql.execute("set TimeZone = 'UTC'")
        described = sql.execute(f"describe from {left}").fetchall()
        typed = ", ".join(f'cast("{name}" as {kind}) as "{name}"' for name, kind, *_ in described)
        names = [row[0] for row in sql.execute(f"describe from {right}").fetchall()]
        assert names == [row[0] for row in described]
        one, other = f"(from {left})", f"(select {typed} from {right})"
        return sql.execute(
            f"(select 'left', * from (from {one} except all from {other}))"
            f" union all (select 'right', * from (from {other} except all from {one})) limit 20"
        ).fetchall()
