"""DuckDB and Spark build the same warehouse: no row of any mart is on one side only.

Here both are built in the middle of a second cycle: what the first one issued comes back from its
frozen rows, the second is calculated. `TOLLHOUSE_PARITY=full` adds the first cycle before its
issue, every test and unit test of the models, Spark's own settings, and the bill run by command.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest
from billing_homes import FIRST_BILL_DATE, PROJECT, SECOND_BILL_DATE, SUBSCRIBERS, Home
from on_spark import require_spark

from orchestration.issue.freezing import IssueSummary, issue_passes
from orchestration.issue.frozen import frozen_entities
from orchestration.lib.dbt import NodeResult, require_success
from orchestration.lib.lock import writer_lock
from orchestration.lib.publish import publish_marts
from orchestration.passes.records import read_passes
from orchestration.passes.scope import export_for_dbt
from orchestration.sample import SampleOptions, make_sample
from orchestration.verify import broken_laws, verify_house

IS_FULL = os.environ.get("TOLLHOUSE_PARITY") == "full"
# For little data the figures are the same, and planning, not computing, takes the time.
QUICK = """
spark.sql.codegen.wholeStage false
spark.sql.codegen.factoryMode NO_CODEGEN
spark.sql.adaptive.enabled false
"""
Row = tuple[object, ...]
pytestmark = pytest.mark.heavy
only_full = pytest.mark.skipif(
    not IS_FULL, reason="Spark NOT RUN in full: set TOLLHOUSE_PARITY=full"
)


@pytest.fixture(scope="module", autouse=True)
def spark_(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let Spark, where it is, do without what only pays on much data."""
    require_spark()
    with pytest.MonkeyPatch.context() as patch:
        if not IS_FULL:
            folder = tmp_path_factory.mktemp("conf")
            (folder / "spark-defaults.conf").write_text(QUICK)
            patch.setenv("SPARK_CONF_DIR", str(folder))
            patch.setenv("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1")
        yield


@pytest.fixture(scope="module")
def first_home(sampled_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with the first bill date calculated on DuckDB, and nothing issued."""
    home = sampled_home.copy(tmp_path_factory.mktemp("first") / "home")
    home.calculate(FIRST_BILL_DATE)
    home.build("marts")
    home.close()
    return home


@pytest.fixture(scope="module")
def second_home(billed_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with the first bill date issued and the second calculated on DuckDB."""
    home = billed_home.copy(tmp_path_factory.mktemp("second") / "home")
    options = SampleOptions(month=date(2026, 11, 1), subscribers=SUBSCRIBERS, follow_up=True)
    make_sample(home.settings, options)
    home.collect(datetime(2026, 12, 1, 2, 0, tzinfo=UTC))
    home.calculate(SECOND_BILL_DATE)
    home.build("marts")
    home.close()
    return home


def build_on_spark(home: Home, *, tests: bool) -> Home:
    """Build the whole warehouse of a home on Spark, beside the one that DuckDB built."""
    on_spark = Home(replace(home.settings, engine="spark"))
    with writer_lock(on_spark.settings):
        export_for_dbt(on_spark.settings, on_spark.ledger)
        results = on_spark.dbt.build(data_tests=tests, unit_tests=tests)
    on_spark.close()
    require_success(results, "the build on Spark")
    assert_all_built(on_spark, results, tests)
    return on_spark


def assert_all_built(home: Home, results: list[NodeResult], tests: bool) -> None:
    """Every seed and model of the project, and every test when asked for, has run."""
    manifest = json.loads((home.dbt.workspace.target / "manifest.json").read_text("utf-8"))
    kinds = {"seed", "model", *(("test", "unit_test") if tests else ())}
    nodes = {**manifest["nodes"], **manifest["unit_tests"]}
    wanted = {key for key, node in nodes.items() if node["resource_type"] in kinds}
    assert {one.unique_id for one in results if one.status in ("success", "pass")} == wanted


def differences(home: Home, *schemas: str) -> dict[str, tuple[int, int]]:
    """Return, for every table that differs, how many rows only DuckDB and only Spark has."""
    found = {}
    with duckdb.connect() as sql:
        sql.execute("set TimeZone = 'UTC'")
        sql.execute(f"attach '{home.settings.warehouse}' as duck (read_only)")
        spark_file = replace(home.settings, engine="spark").warehouse
        sql.execute(f"attach '{spark_file}' as spark (read_only)")
        tables = sql.execute(
            "select distinct schema_name || '.' || table_name from duckdb_columns()"
            " where database_name = 'duck' and list_contains(?, schema_name) order by 1",
            [list(schemas)],
        ).fetchall()
        assert tables
        for (table,) in tables:
            described = sql.execute(f"describe duck.{table}").fetchall()
            shown = sql.execute(f"describe spark.{table}").fetchall()
            assert [row[0] for row in shown] == [row[0] for row in described], table
            typed = ", ".join(f"cast({name} as {kind}) as {name}" for name, kind, *_ in described)
            duck, spark = f"from duck.{table}", f"select {typed} from spark.{table}"
            row = sql.execute(
                f"select (select count(*) from ({duck} except all {spark})),"
                f" (select count(*) from ({spark} except all {duck}))"
            ).fetchone()
            if row and any(row):
                found[table] = row
    return found


def types_that_differ(home: Home) -> list[tuple[str, ...]]:
    """Return the columns of marts whose type is another one on Spark."""
    with duckdb.connect() as sql:
        sql.execute(f"attach '{home.settings.warehouse}' as duck (read_only)")
        spark_file = replace(home.settings, engine="spark").warehouse
        sql.execute(f"attach '{spark_file}' as spark (read_only)")
        query = (
            "select table_name, column_name, data_type from duckdb_columns()"
            " where schema_name = 'marts' and database_name = '{}'"
        )
        return sql.execute(f"{query.format('duck')} except {query.format('spark')}").fetchall()


@pytest.fixture(scope="module")
def second_on_spark(second_home: Home) -> Home:
    """The same home as Spark has built it, beside what DuckDB built."""
    return build_on_spark(second_home, tests=IS_FULL)


def issue_and_publish(home: Home, folder: Path) -> tuple[list[IssueSummary], dict[str, list[Row]]]:
    """Issue the second bill date in a copy of a home; return what was said and frozen."""
    copy = home.copy(folder)
    with copy.ledger.read() as connection:
        validated = read_passes(connection, SECOND_BILL_DATE)
    with writer_lock(copy.settings):
        said = issue_passes(copy.settings, copy.ledger, validated)
    copy.close()
    published = publish_marts(copy.settings)
    assert published.row_counts["fct_invoices"]
    frozen = {}
    for entity in frozen_entities(copy.settings):
        path = copy.settings.landing / f"issued_{entity.name}" / "*" / "*.parquet"
        frozen[entity.name] = duckdb.sql(
            f"select * exclude (issue_id) from read_parquet('{path}', hive_partitioning = true)"
            " order by all"
        ).fetchall()
    return said, frozen


@pytest.mark.usefixtures("second_on_spark")
def test_a_second_cycle_is_the_same_on_both_engines(second_home: Home) -> None:
    assert differences(second_home, "seeds", "marts") == {}
    assert types_that_differ(second_home) == []


def test_what_is_issued_and_published_of_spark_is_what_is_of_duckdb(
    second_home: Home, second_on_spark: Home, tmp_path: Path
) -> None:
    of_duckdb = issue_and_publish(second_home, tmp_path / "duckdb")
    of_spark = issue_and_publish(second_on_spark, tmp_path / "spark")
    assert of_spark == of_duckdb
    assert of_spark[1]["invoice_lines"]


@only_full
def test_a_first_cycle_is_the_same_on_both_engines_before_anything_is_issued(
    first_home: Home,
) -> None:
    build_on_spark(first_home, tests=False)
    assert differences(first_home, "seeds", "intermediate", "marts") == {}


@only_full
def test_the_command_bills_on_spark_what_it_bills_on_duckdb(
    first_home: Home, tmp_path: Path
) -> None:
    billed = {}
    for engine in ("duckdb", "spark"):
        home = first_home.copy(tmp_path / engine, with_warehouse=False)
        command = ["-m", "orchestration.cli", "run", "--bill-date", str(FIRST_BILL_DATE)]
        subprocess.run(
            [sys.executable, *command],
            cwd=PROJECT,
            check=True,
            env={
                **os.environ,
                "TOLLHOUSE_HOME": str(home.settings.home),
                "TOLLHOUSE_ENGINE": engine,
            },
        )
        settings = replace(home.settings, engine=engine)
        assert broken_laws(verify_house(settings)) == []
        with duckdb.connect() as sql:
            landing = settings.landing
            billed[engine] = sql.execute(
                f"select * exclude (issue_id) from read_parquet("
                f"'{landing}/issued_invoice_lines/*/*.parquet', hive_partitioning = true)"
                " order by all"
            ).fetchall()
    assert billed["spark"] == billed["duckdb"]
    assert billed["spark"]
