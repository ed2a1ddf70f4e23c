"""The common benchmark's tariff as seeds, rated by the models that bill: totals before speed.

The figures are what the benchmark's independent loop in Python's Decimal computes from the same
workload; seven other engines agree on those of a million events. The same job by hand, which
`tollhouse bench rating` measures beside this project, must find them too.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from orchestration.bench.rating import rate_workload
from orchestration.bench.rivals import decimal_loop, duckdb_job
from orchestration.bench.totals import Totals
from orchestration.bench.workload import TABLES_FOLDER
from orchestration.settings import Settings

pytestmark = pytest.mark.heavy

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


def test_a_hundred_thousand_events_cost_what_every_engine_says(
    settings: Settings, tmp_path: Path
) -> None:
    assert rate_workload(settings, tmp_path, 100_000) == AGREED[100_000]
    tables = tmp_path / TABLES_FOLDER
    for name, rate in (("loop", decimal_loop.rate), ("by_hand", duckdb_job.rate)):
        (tmp_path / name).mkdir()
        assert rate(tables, tmp_path / name) == AGREED[100_000], name
