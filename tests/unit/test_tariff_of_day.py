"""The tariff of a day: its rows in place of those around the bill date, and nothing else."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from orchestration.collect.seed_check import check_seeds
from orchestration.impact.changes import find_changes, first_day
from orchestration.scratch.dated import tariff_of_day
from orchestration.scratch.trees import Tree

PROJECT = Path(__file__).parents[2]
BILL_DATE = date(2026, 11, 1)
RATES = "seeds/tariff/usage_rates.csv"


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    root = tmp_path / "project"
    shutil.copytree(PROJECT / "seeds", root / "seeds")
    (root / "dbt_project").mkdir()
    return Tree(root, "mine")


def raise_price(tree: Tree, day: str) -> None:
    """End UR-0002 on a day and begin UR-0102 at 0.095."""
    path = tree.root / RATES
    lines = path.read_text("utf-8").splitlines()
    (index,) = [number for number, line in enumerate(lines) if line.startswith("UR-0002,")]
    old = lines[index]
    assert old.endswith(",2020-01-01,")
    lines[index] = f"{old}{day}"
    new = old.replace("UR-0002", "UR-0102").replace("0.085000", "0.095000")
    lines.append(f"{new.removesuffix('2020-01-01,')}{day},")
    path.write_text("\n".join(lines) + "\n", "utf-8")


def rows(tree: Tree, start: str) -> list[str]:
    return [
        line for line in (tree.root / RATES).read_text("utf-8").splitlines() if start in line[:7]
    ]


def test_a_tariff_without_a_later_row_is_taken_as_it_is(tree: Tree, tmp_path: Path) -> None:
    assert tariff_of_day(tree, date(2027, 1, 1), BILL_DATE, tmp_path / "copy") is tree


def test_the_row_of_the_day_takes_the_place_of_the_one_before(tree: Tree, tmp_path: Path) -> None:
    raise_price(tree, "2026-12-01")
    of_day = tariff_of_day(tree, date(2026, 12, 1), BILL_DATE, tmp_path / "copy")
    assert of_day.label == "mine"
    assert rows(of_day, "UR-0002") == []
    (row,) = rows(of_day, "UR-0102")
    assert "0.095000" in row
    assert row.endswith(",2020-01-01,")
    untouched = [line for line in (tree.root / RATES).read_text().splitlines() if "UR-0102" not in
                 line and "UR-0002" not in line]  # fmt: skip
    assert [one for one in (of_day.root / RATES).read_text().splitlines() if one != row] == (
        untouched
    )
    assert check_seeds(of_day.root / "seeds") == []


def test_the_day_before_a_change_keeps_the_old_row(tree: Tree, tmp_path: Path) -> None:
    raise_price(tree, "2026-12-01")
    of_day = tariff_of_day(tree, date(2026, 11, 30), BILL_DATE, tmp_path / "copy")
    assert rows(of_day, "UR-0102") == []
    (row,) = rows(of_day, "UR-0002")
    assert "0.085000" in row
    assert row.endswith(",2020-01-01,")


def test_promotions_keep_the_days_on_which_a_customer_joined(tree: Tree, tmp_path: Path) -> None:
    raise_price(tree, "2027-06-01")
    of_day = tariff_of_day(tree, date(2027, 6, 1), BILL_DATE, tmp_path / "copy")
    name = "seeds/tariff/promotions.csv"
    assert (of_day.root / name).read_bytes() == (tree.root / name).read_bytes()


def test_a_change_is_told_by_row_and_the_day_it_begins(tree: Tree, tmp_path: Path) -> None:
    before = Tree(tmp_path / "before", "before")
    shutil.copytree(tree.root, before.root)
    raise_price(tree, "2026-12-01")
    (tree.root / "dbt_project" / "models").mkdir()
    (tree.root / "dbt_project" / "models" / "x.sql").write_text("select 1")
    changes = find_changes(before, tree)
    ended, added = changes.rows
    assert (ended.kind, ended.row, ended.line) == ("changed", "UR-0002", 3)
    assert ended.text == "valid_to empty → 2026-12-01"
    assert (added.kind, added.row) == ("added", "UR-0102")
    assert first_day(tree, added) == date(2026, 12, 1)
    assert changes.files == ("dbt_project/models/x.sql",)
    assert find_changes(tree, before).rows[1].kind == "removed"
