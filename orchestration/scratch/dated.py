"""The tariff of one day over a past period: what would have been billed, had it been valid then.

A price that begins next month changes no bill of the past. To see what it will do, the rows that
are valid on a day take the place of those that were valid in the period that is billed again.
"""

from __future__ import annotations

import csv
import io
import shutil
from datetime import date, timedelta
from pathlib import Path

from orchestration.collect.seed_check import SeedRules, read_seed_rules
from orchestration.scratch.trees import PARTS, Tree

# Around the bill date: what was valid all this time and is so on the day stays as it is.
AROUND = timedelta(days=100)
OPEN_END = date.max
# Their validity is when a customer joined or redeemed, not when a price counts.
NOT_PRICES = frozenset({"promotions", "coupons"})
# Outside of `tariff/` only what has a day as well; who sells and how is billed stays as it was.
ALSO = frozenset({"tax_rates"})
_Row = dict[str, str]


def tariff_of_day(tree: Tree, day: date, bill_date: date, folder: Path) -> Tree:
    """Return the tree with the prices of `day` in place of those around `bill_date`.

    The tree itself when there is no difference, else a copy below `folder`.
    """
    changed: dict[Path, str] = {}
    for name, rules in read_seed_rules(tree.root / "seeds").items():
        for path in (tree.root / "seeds").rglob(f"{name}.csv"):
            if path.parent.name != "tariff" and name not in ALSO:
                continue
            text = None if name in NOT_PRICES else _of_day(path, rules, day, bill_date)
            if text is not None:
                changed[path.relative_to(tree.root)] = text
    if not changed:
        return tree
    for part in PARTS:
        left_out = shutil.ignore_patterns("target", "logs")
        shutil.copytree(tree.root / part, folder / part, ignore=left_out)
    for changed_path, text in changed.items():
        (folder / changed_path).write_text(text, "utf-8")
    return Tree(folder, tree.label)


def _of_day(path: Path, rules: SeedRules, day: date, bill_date: date) -> str | None:
    """Return a seed's text with the rows of the day, None when they are the rows of the period."""
    if len(rules.validity) != 2:
        return None
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream)
        columns, rows = list(reader.fieldnames or ()), list(reader)
    groups: dict[tuple[str, ...], list[_Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in rules.key), []).append(row)
    kept: list[_Row] = []
    is_changed = False
    for group in groups.values():
        valid = [row for row in group if _covers(row, rules, day, day)]
        around = [
            row for row in group if _touches(row, rules, bill_date - AROUND, bill_date + AROUND)
        ]
        lasting = [
            row for row in valid if _covers(row, rules, bill_date - AROUND, bill_date + AROUND)
        ]
        if (valid == around == lasting) or not (valid or around):
            kept += group
            continue
        is_changed = True
        first = min(row[rules.validity[0]] for row in group)
        kept += [{**row, rules.validity[0]: first, rules.validity[1]: ""} for row in valid]
    if not is_changed:
        return None
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(kept)
    return text.getvalue()


def _span(row: _Row, rules: SeedRules) -> tuple[date, date]:
    start, end = (row[name] for name in rules.validity)
    return date.fromisoformat(start), date.fromisoformat(end) if end else OPEN_END


def _covers(row: _Row, rules: SeedRules, first: date, last: date) -> bool:
    start, end = _span(row, rules)
    return start <= first and last < end


def _touches(row: _Row, rules: SeedRules, first: date, last: date) -> bool:
    start, end = _span(row, rules)
    return start <= last and first < end
