"""`tollhouse impact`: bill past passes under two tariffs and say what differs."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path

from orchestration.impact.changes import Changes, find_changes, first_day
from orchestration.impact.comparing import compare_sides
from orchestration.impact.sides import bill_sides
from orchestration.ledger.store import open_ledger
from orchestration.lib.errors import TollhouseError
from orchestration.lib.lock import file_lock
from orchestration.lib.progress import Progress
from orchestration.scratch.as_of import find_as_of
from orchestration.scratch.dated import tariff_of_day
from orchestration.scratch.trees import (
    Tree,
    git_tree,
    is_in_git,
    require_sound,
    with_seeds,
    working_tree,
)
from orchestration.settings import Settings
from renderers.impact import ImpactReport

MOVERS_SHOWN = 10


class ImpactError(TollhouseError):
    """There is nothing to compare; the text says what to name."""


@dataclass(frozen=True)
class ImpactRequest:
    """What to compare. `before` and `after` are git refs; empty means HEAD and the working tree.

    `seeds` is a folder of seeds to lay over the `after` side; then `before` defaults to the working
    tree as well. `tariff_of` bills both sides with the prices of that day.
    """

    before: str = ""
    after: str = ""
    seeds: Path | None = None
    bill_date: date | None = None
    tariff_of: date | None = None
    max_percent: Decimal | None = None
    shown: int = MOVERS_SHOWN


def run_impact(
    settings: Settings, request: ImpactRequest, say: Callable[[str], None] | None = None
) -> ImpactReport:
    """Bill the passes of a date under both tariffs in scratch builds and compare the bills.

    Reads the ledger, landing and the live warehouse, and writes only below `home/scratch`. Raises
    `TariffError` when the tariff after is not sound, `NoPassError` when nothing was billed yet.
    """
    told = say or (lambda _: None)
    with file_lock(settings.home / "scratch" / "impact.lock"):
        folder = settings.home / "scratch" / "impact" / "trees"
        shutil.rmtree(folder, ignore_errors=True)
        try:
            before, after = _trees(settings, request, folder)
            require_sound(after)
            changes = find_changes(before, after)
            ledger = open_ledger(settings.ledger_url)
            try:
                as_of = find_as_of(settings, ledger, request.bill_date)
            finally:
                ledger.engine.dispose()
            later = _first_later_day(after, changes, as_of.bill_date)
            if request.tariff_of is not None:
                before, after = (
                    tariff_of_day(tree, request.tariff_of, as_of.bill_date, folder / name)
                    for name, tree in (("before-of-day", before), ("after-of-day", after))
                )
            told(f"billing {', '.join(as_of.pass_ids)} under {before.label} and {after.label}")
            with Progress("billing") as bar:
                done: dict[str, tuple[float, float]] = {}

                def advance(name: str, one: float, total: float) -> None:
                    done[name] = (one, total)
                    bar(
                        round(sum(part for part, _ in done.values()) * 1000),
                        round(sum(whole for _, whole in done.values()) * 1000),
                    )

                sides = bill_sides(settings, as_of, {"before": before, "after": after}, advance)
            for side in sides.values():
                told(f"{side.name}: {side.tree.label}, {ORIGINS[side.origin]}")
            report = compare_sides(
                sides["before"], sides["after"], as_of, changes, request.shown, request.max_percent
            )
            return replace(
                report,
                tariff_of=request.tariff_of,
                begins_later=None if request.tariff_of else later,
            )
        finally:
            shutil.rmtree(folder, ignore_errors=True)


ORIGINS = {
    "kept": "kept from an earlier comparison",
    "live": "as the live warehouse still holds it",
    "built": "billed in a scratch build",
}


def _first_later_day(after: Tree, changes: Changes, bill_date: date) -> date | None:
    """Return when the changed rows begin, if none of them counts before the bill date."""
    days = [first_day(after, change) for change in changes.rows if change.kind == "added"]
    known = [day for day in days if day is not None]
    return min(known) if known and min(known) >= bill_date else None


def _trees(settings: Settings, request: ImpactRequest, folder: Path) -> tuple[Tree, Tree]:
    here = working_tree(settings)
    if (request.before or request.after or request.seeds is None) and not is_in_git(settings):
        raise ImpactError(
            f"{settings.project_root} is not in git: name a folder of seeds with --seeds"
        )
    default = "" if request.seeds is not None else "HEAD"
    before_ref = request.before or default
    before = git_tree(settings, before_ref, folder / "before") if before_ref else here
    after = git_tree(settings, request.after, folder / "after") if request.after else here
    if request.seeds is not None:
        after = with_seeds(settings, after, request.seeds, folder / "seeds")
    return before, after
