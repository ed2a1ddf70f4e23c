"""Where a tariff row stands: its file and line in the seeds that a pass was billed with."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from orchestration.collect.seed_check import SeedRules, read_seed_rules
from orchestration.passes.records import describe_project
from orchestration.scratch.trees import TreeError, git_tree
from orchestration.settings import Settings

USAGE_RATES = "tariff/usage_rates.csv"
USAGE_RATE_STEPS = "tariff/usage_rate_steps.csv"
PRICE_TIERS = "tariff/price_tiers.csv"
ALLOWANCES = "tariff/allowances.csv"
FAIR_USE_LIMITS = "tariff/fair_use_limits.csv"
RECURRING_CHARGES = "tariff/recurring_charges.csv"
PRICE_PHASES = "tariff/price_phases.csv"
PROMOTIONS = "tariff/promotions.csv"
CHARGE_CAPS = "tariff/charge_caps.csv"
COMMITMENTS = "tariff/commitments.csv"
COUPONS = "tariff/coupons.csv"
ZONES = "tariff/zones.csv"
TAX_RATES = "reference/tax_rates.csv"
FEES = "tariff/fees.csv"


@dataclass(frozen=True)
class TariffRow:
    """A row of a seed by its id. `line_number` is None and `values` empty when it is gone."""

    row_id: str
    file: str
    line_number: int | None
    values: dict[str, str]
    where: str = ""

    def __str__(self) -> str:
        if self.line_number is None:
            return f"{self.row_id} (no longer in {self.file}: see the pass's commit)"
        return f"{self.row_id} ({self.file}, line {self.line_number}){self.where}"


@dataclass
class Tariff:
    """The seeds of one tree. `where` says of which commit, empty for the project as it stands."""

    seeds: Path
    where: str = ""
    is_exact: bool = True
    _rules: dict[str, SeedRules] | None = None
    _read: dict[str, list[TariffRow]] = field(default_factory=dict)
    _by_id: dict[str, dict[str, TariffRow]] = field(default_factory=dict)

    def row(self, seed: str, row_id: str) -> TariffRow:
        """Return the row of a seed that its id names: the column `row_id`, else the first one."""
        if seed not in self._by_id:
            self._by_id[seed] = {row.row_id: row for row in self._rows(seed)}
        return self._by_id[seed].get(row_id) or TariffRow(row_id, f"seeds/{seed}", None, {})

    def rows_of(self, seed: str, column: str, value: str) -> list[TariffRow]:
        """Return the rows whose column has a value, in the order of the file; none without one."""
        return [row for row in self._rows(seed) if row.values.get(column) == value]

    def _rows(self, seed: str) -> list[TariffRow]:
        if seed not in self._read:
            if self._rules is None:
                self._rules = read_seed_rules(self.seeds)
            known = self._rules.get(Path(seed).stem)
            column = known.row_id if known else ""
            self._read[seed] = [
                TariffRow(
                    row_id=values.get(column) or next(iter(values.values()), ""),
                    file=f"seeds/{seed}",
                    line_number=line,
                    values=values,
                    where=self.where,
                )
                for line, values in _read_rows(self.seeds / seed)
            ]
        return self._read[seed]


@contextmanager
def tariff_of(
    settings: Settings, commit_hash: str | None, project_hash: str | None
) -> Iterator[Tariff]:
    """Give the tariff that a pass was billed with.

    The project as it stands when nothing has changed since; else the seeds of the pass's commit,
    when git has it. A pass that was billed with changes nobody committed, or whose commit is not
    here, is told by today's seeds: `is_exact` is then false.
    """
    if project_hash is None or describe_project(settings)[1] == project_hash:
        yield Tariff(settings.seeds)
        return
    with tempfile.TemporaryDirectory(prefix="tollhouse-tariff-") as folder:
        try:
            tree = git_tree(settings, commit_hash or "HEAD", Path(folder) / "tree")
        except TreeError:
            yield Tariff(settings.seeds, is_exact=False)
            return
        if tree.project_hash(settings) == project_hash:
            yield Tariff(tree.root / "seeds", f" at commit {str(commit_hash)[:12]}")
        else:
            yield Tariff(settings.seeds, is_exact=False)


def _read_rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream)
        found = []
        before = 1
        for row in reader:
            # A quoted field may contain line breaks: the row stands where it begins.
            found.append((before + 1, row))
            before = reader.line_num
    return found
