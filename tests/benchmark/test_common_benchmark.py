"""The common benchmark's tariff as seeds, rated by the models that bill: totals before speed.

The figures are what the benchmark's independent loop in Python's Decimal computes from the same
workload; seven other engines agree on those of a million events.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from orchestration.bench.rating import Totals, rate_workload
from orchestration.settings import Settings

pytestmark = pytest.mark.heavy

AGREED = {
    100_000: Totals(100_000, 117, 219_909_330, Decimal("123075.572113")),
    1_000_000: Totals(1_000_000, 1_026, 2_197_882_005, Decimal("1225591.948629")),
}


def test_a_hundred_thousand_events_cost_what_every_engine_says(
    settings: Settings, tmp_path: Path
) -> None:
    assert rate_workload(settings, tmp_path / "bench", 100_000) == AGREED[100_000]
