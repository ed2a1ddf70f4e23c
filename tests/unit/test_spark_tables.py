"""What Spark has built is read through DuckDB under the same names and types."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.lib import spark
from orchestration.lib.spark import SparkError, run_dbt, show_tables
from orchestration.settings import ENGINES, Settings


def node(schema: str, name: str, **more: Any) -> dict[str, Any]:
    return {
        "resource_type": "model",
        "schema": schema,
        "name": name,
        "description": "",
        "columns": {},
        "config": {"persist_docs": {}},
        **more,
    }


def write_table(tables: Path, schema: str, name: str, query: str) -> None:
    """Write a table as Spark leaves it: a folder of parts, instants with a zone."""
    folder = tables / f"{schema}.db" / name
    folder.mkdir(parents=True)
    (folder / "_SUCCESS").touch()
    duckdb.sql(query).write_parquet(str(folder / "part-00000.snappy.parquet"))


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    described = node(
        "marts",
        "fct_it's",
        description="One row per it's.",
        columns={
            "amount": {"name": "amount", "description": "What it's worth."},
            "begun_at": {"name": "begun_at", "description": ""},
        },
        config={"persist_docs": {"relation": True, "columns": True}},
    )
    nodes = [
        described,
        node("seeds", "plans", resource_type="seed"),
        node("intermediate", "int_never__built"),
        node("marts", "some_test", resource_type="test"),
    ]
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({"nodes": dict(enumerate(nodes))}))
    return path


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    folder = tmp_path / "it's here" / "tables"
    instant = "timestamptz '2026-10-25 00:30:00+00'"
    write_table(
        folder, "marts", "fct_it's", f"select 1.5::decimal(18, 6) as amount, {instant} as begun_at"
    )
    write_table(folder, "seeds", "plans", "select 'a' as plan_id where false")
    return folder


def test_tables_are_views_with_utc_instants_and_descriptions(manifest: Path, tables: Path) -> None:
    with duckdb.connect() as readers:
        readers.execute("set TimeZone = 'America/New_York'")
        show_tables(readers, tables, manifest)
        show_tables(readers, tables, manifest)
        query = 'select amount, typeof(begun_at), cast(begun_at as varchar) from marts."fct_it\'s"'
        found = readers.execute(query).fetchall()
        assert found == [(Decimal("1.500000"), "TIMESTAMP", "2026-10-25 00:30:00")]
        assert readers.execute("describe seeds.plans").fetchall()[0][:2] == ("plan_id", "VARCHAR")
        shown = readers.execute(
            "select view_name, comment from duckdb_views() where not internal order by 1"
        ).fetchall()
        assert shown == [("fct_it's", "One row per it's."), ("plans", None)]
        comments = readers.execute(
            "select column_name, comment from duckdb_columns() where schema_name = 'marts'"
        ).fetchall()
        assert comments == [("amount", "What it's worth."), ("begun_at", None)]


def test_what_spark_lacks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spark, "what_is_missing", lambda: "Java 17")
    with pytest.raises(SparkError, match="needs Java 17"):
        run_dbt(["build"], {}, tmp_path, tmp_path)


def test_results_of_the_build_before_are_never_taken_for_those_of_a_build_that_did_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run_results.json").write_text('{"results": []}')
    monkeypatch.setattr(spark, "what_is_missing", lambda: "")
    monkeypatch.setattr(spark, "CHILD", "import sys; sys.exit('the cluster does not answer')")
    with pytest.raises(SparkError, match="ended with 1: the cluster does not answer"):
        run_dbt(["build"], {}, tmp_path, tmp_path)


def test_the_child_does_not_outlive_its_parent(tmp_path: Path) -> None:
    started, survived = tmp_path / "started", tmp_path / "survived"
    dbt = (
        f"import pathlib, time; pathlib.Path({str(started)!r}).touch(); time.sleep(3);"
        f" pathlib.Path({str(survived)!r}).touch()"
    )
    child = spark.CHILD.replace("from dbt.cli.main import cli\ncli()", dbt)
    assert dbt in child
    parent = (
        "import os, pathlib, subprocess, sys, time;"
        f" subprocess.Popen([sys.executable, '-c', {child!r}], stdin=subprocess.PIPE);"
        f" wait = lambda: pathlib.Path({str(started)!r}).exists() or time.sleep(0.05) or wait();"
        " wait(); os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", parent]).returncode == -9
    time.sleep(4)
    assert started.exists() and not survived.exists()


def test_each_engine_has_a_warehouse_file_of_its_own(tmp_path: Path) -> None:
    files = {Settings(tmp_path, tmp_path, engine=engine).warehouse for engine in ENGINES}
    assert len(files) == 2
    assert {path.name for path in files} == {"warehouse.duckdb"}
