"""A run is spared only when nothing it would read, and nothing it left, has changed since."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from orchestration.ledger.schema import review_decisions, run_closures
from orchestration.ledger.store import append_row
from orchestration.lib.current import is_current, note_calculation, note_reporting, note_run
from orchestration.lib.house import House
from orchestration.settings import Settings


def _land(house: House) -> None:
    folder = house.settings.landing / "manifest" / "arrival_date=2026-11-02"
    folder.mkdir(parents=True)
    (folder / "2.parquet").touch()


def _decide(house: House) -> None:
    with house.ledger.write() as connection:
        append_row(
            connection,
            review_decisions,
            pass_id="p1",
            billing_account_id="a1",
            decision="hold",
            reason="why",
        )


def _close(house: House) -> None:
    with house.ledger.write() as connection:
        append_row(connection, run_closures, bill_run_id="r1", reason="done")


def _edit_seed(house: House) -> None:
    with (house.settings.seeds / "policy" / "bill_cycles.csv").open("a") as seed:
        seed.write("nordwind,weekly\n")


def _build(house: House) -> None:
    house.settings.warehouse.write_text("built by somebody else")


def _delete(house: House) -> None:
    house.settings.warehouse.unlink()


@pytest.fixture
def house(tmp_path: Path, settings: Settings) -> House:
    """A house with a warehouse and rules of its own, whose run was whole."""
    project = tmp_path / "project"
    for name in ("dbt_project/models", "dbt_project/macros", "seeds"):
        shutil.copytree(settings.project_root / name, project / name)
    made = House(replace(settings, project_root=project))
    made.settings.warehouse.parent.mkdir(parents=True, exist_ok=True)
    made.settings.warehouse.write_text("marts")
    return made


def _run(house: House, run_id: str, between: Callable[[House], None] | None = None) -> None:
    note_calculation(house, run_id)
    note_reporting(house, run_id)
    if between is not None:
        between(house)
    note_run(house, run_id)


def test_a_whole_run_need_not_be_repeated(house: House) -> None:
    assert not is_current(house)
    # What the run itself records of its passes at the end is built once more by it.
    _run(house, "whole", _close)
    assert is_current(house)


@pytest.mark.parametrize("change", [_land, _decide, _close, _edit_seed, _build, _delete])
def test_whatever_changes_afterwards_makes_it_run_again(
    house: House, change: Callable[[House], None]
) -> None:
    _run(house, "whole")
    assert is_current(house)
    change(house)
    assert not is_current(house)


@pytest.mark.parametrize("change", [_land, _decide, _edit_seed])
def test_what_came_while_the_run_was_on_is_not_taken_as_built(
    house: House, change: Callable[[House], None]
) -> None:
    _run(house, "disturbed", change)
    assert not is_current(house)


def test_a_part_of_a_run_leaves_no_note(house: House) -> None:
    note_run(house, "published alone")
    assert not is_current(house)
    note_reporting(house, "not calculated")
    note_run(house, "not calculated")
    assert not is_current(house)
    note_calculation(house, "landed between")
    _land(house)
    note_reporting(house, "landed between")
    note_run(house, "landed between")
    assert not is_current(house)


def test_a_copy_of_the_home_is_as_current_as_the_home(house: House, tmp_path: Path) -> None:
    _run(house, "whole")
    copied = tmp_path / "copied"
    shutil.copytree(house.settings.home, copied)
    assert is_current(House(replace(house.settings, home=copied)))
    os.utime(copied / house.settings.warehouse.name)
    assert not is_current(House(replace(house.settings, home=copied)))
