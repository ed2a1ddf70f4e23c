"""The common benchmark's tariff as seeds, rated by the models that bill: totals before speed.

The figures are what the benchmark's independent loop in Python's Decimal computes from the same
workload; seven other engines agree on those of a million events. The same job by hand, which
`tollhouse bench rating` measures beside this project, must find them too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.bench.rating import home_in, rate_workload
from orchestration.bench.rivals import decimal_loop, duckdb_job
from orchestration.bench.totals import Totals
from orchestration.bench.workload import TABLES_FOLDER
from orchestration.lib.dbt import Workspace
from orchestration.settings import Settings

pytestmark = pytest.mark.heavy
PROJECT = Path(__file__).parents[2]
EVENTS = 100_000

AGREED = {
    100_000: Totals(
        events=100_000,
        suspended=117,
        free_units=219_909_330,
        rated_amount=Decimal("123075.572113"),
        invoices=1_000,
        net_amount=Decimal("138276.13"),
        first_tax_amount=Decimal("19077.72"),
        second_tax_amount=Decimal("2664.17"),
        total_amount=Decimal("160018.02"),
        checksum=968_651_583,
    ),
}


@pytest.fixture(scope="module")
def rated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Totals]:
    """Where the month was rated by this project, and what it came to."""
    scratch = tmp_path_factory.mktemp("rated")
    settings = Settings(home=scratch / "none", project_root=PROJECT)
    return scratch, rate_workload(settings, scratch, EVENTS)


def test_a_hundred_thousand_events_cost_what_every_engine_says(
    rated: tuple[Path, Totals], tmp_path: Path
) -> None:
    scratch, totals = rated
    assert totals == AGREED[EVENTS]
    tables = scratch / TABLES_FOLDER
    for name, rate in (("loop", decimal_loop.rate), ("by_hand", duckdb_job.rate)):
        (tmp_path / name).mkdir()
        assert rate(tables, tmp_path / name) == AGREED[EVENTS], name


def windows_of(operator: dict[str, Any]) -> Iterator[int]:
    """Return how many rows each window of a plan sorted."""
    if "WINDOW" in operator["type"]:
        yield operator["intermediate_rows"]
    for child in operator.get("children", []):
        yield from windows_of(child)


def test_usage_is_sorted_by_two_windows_at_most(rated: tuple[Path, Totals]) -> None:
    """One by allowances, one by tiers; what else is ordered is a tenth of the usage at most.

    The second layer of allowances sees what the first left, a cut call the calls that were cut.
    """
    home = home_in(Settings(home=rated[0], project_root=PROJECT), rated[0])
    models = Workspace.production(home).target / "compiled" / "tollhouse" / "models"
    statements = {
        path.stem: path.read_text("utf-8")
        for pattern in (
            "usage/int_usage__*.sql",
            "rating/int_usage__*.sql",
            "rating/*_draws__*.sql",
        )
        for path in (models / "intermediate").glob(pattern)
    }
    windows: dict[str, int] = {}
    with duckdb.connect(str(home.warehouse), read_only=True) as sql:
        for model, statement in statements.items():
            row = sql.execute(f"explain (analyze, format json) {statement}").fetchone()
            assert row is not None
            (plan,) = json.loads(row[1])["operator"]
            large = [count for count in windows_of(plan) if count > EVENTS / 10]
            if large:
                windows[model] = len(large)
    assert windows == {"int_allowance_draws__by_event": 1, "int_usage__rated": 1}
