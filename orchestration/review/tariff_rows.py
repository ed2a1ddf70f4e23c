"""Where a tariff row stands: its file and line in `seeds/`, found by its key."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from orchestration.settings import Settings

USAGE_RATES = "tariff/usage_rates.csv"
RECURRING_CHARGES = "tariff/recurring_charges.csv"
PROMOTIONS = "tariff/promotions.csv"
CHARGE_CAPS = "tariff/charge_caps.csv"
COMMITMENTS = "tariff/commitments.csv"
COUPONS = "tariff/coupons.csv"


@dataclass(frozen=True)
class TariffRow:
    """A row of a seed by its key. `line_number` is None and `values` empty when it is gone."""

    row_id: str
    file: str
    line_number: int | None
    values: dict[str, str]

    def __str__(self) -> str:
        if self.line_number is None:
            return f"{self.row_id} (no longer in {self.file}: see the pass's commit)"
        return f"{self.row_id} ({self.file}, line {self.line_number})"


def find_tariff_row(settings: Settings, seed: str, row_id: str) -> TariffRow:
    """Return the row whose first column is `row_id`, as the seed says it today."""
    path = settings.seeds / seed
    modified = path.stat().st_mtime_ns if path.is_file() else 0
    line_number, values = _rows(path, modified).get(row_id, (None, {}))
    return TariffRow(row_id, f"seeds/{seed}", line_number, dict(values))


@lru_cache(maxsize=8)
def _rows(path: Path, modified: int) -> dict[str, tuple[int, dict[str, str]]]:
    if not modified:
        return {}
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        found = {}
        before = 1
        for row in reader:
            # A quoted field may contain line breaks: the row stands where it begins.
            found[next(iter(row.values()))] = (before + 1, row)
            before = reader.line_num
    return found
