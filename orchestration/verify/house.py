"""Verify a house: every law that can be checked, each with its figure."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestration.collect.inbox import ensure_landing
from orchestration.issue.frozen import frozen_entities
from orchestration.ledger.store import Ledger, open_ledger
from orchestration.lib.dbt import Dbt, DbtError, Workspace
from orchestration.lib.lock import writer_lock
from orchestration.passes.scope import export_for_dbt
from orchestration.settings import Settings
from orchestration.verify import fates, issued, landing, ledger, names, rules
from orchestration.verify.evidence import Evidence, attach, open_evidence
from orchestration.verify.law_check import Check, Finding, LawCheck, judge
from orchestration.verify.marts import SAME_MARTS, build_sides, check_sides

WAIT_SECONDS = 600.0
STORE_CHECKS: tuple[Check, ...] = (
    *rules.CHECKS,
    *landing.CHECKS,
    *ledger.CHECKS,
    *issued.CHECKS,
    *names.CHECKS,
)
WAREHOUSE_CHECKS: tuple[Check, ...] = (
    *fates.CHECKS,
    *issued.WAREHOUSE_CHECKS,
    *rules.WAREHOUSE_CHECKS,
)
Progress = Callable[[str], None]


def verify_house(settings: Settings, progress: Progress | None = None) -> list[LawCheck]:
    """Check every law and return the checks in the order of the laws.

    Holds the writer lock, so that nothing moves meanwhile, and changes nothing but scratch folders
    and the zero-row files of a landing that lacks them. Two warehouses are built below
    `home/scratch`; they are removed unless law 1 is broken, which then names the folder.
    """
    say = progress or (lambda _: None)
    with writer_lock(settings, WAIT_SECONDS):
        ledger_ = _prepare(settings)
        with _scratch(settings) as side:
            exports = _export(settings, ledger_, side)
            with open_evidence(settings, ledger_, exports) as evidence:
                say("checking landing, ledger, documents and models")
                found = [check(evidence) for check in STORE_CHECKS]
                built, is_sound = _check_warehouses(evidence, side, say)
                found += built
            if not is_sound:
                (side / "keep").touch()
    return sorted(found, key=_order)


def verify_stores(settings: Settings) -> list[LawCheck]:
    """Check what needs no warehouse: landing, ledger, documents, issued rows and the models' text.

    Takes seconds; the contract is otherwise that of `verify_house`.
    """
    with writer_lock(settings, WAIT_SECONDS):
        ledger_ = _prepare(settings)
        with _scratch(settings) as side:
            exports = _export(settings, ledger_, side)
            with open_evidence(settings, ledger_, exports) as evidence:
                return sorted((check(evidence) for check in STORE_CHECKS), key=_order)


def broken_laws(found: Iterable[LawCheck]) -> list[LawCheck]:
    """Return the checks whose law is not kept."""
    return [one for one in found if not one.is_kept]


def _prepare(settings: Settings) -> Ledger:
    settings.home.mkdir(parents=True, exist_ok=True)
    ensure_landing(settings, [one.landing_table for one in frozen_entities(settings)])
    return open_ledger(settings.ledger_url)


def _export(settings: Settings, ledger_: Ledger, side: Path) -> Path:
    exports = side / "exports"
    export_for_dbt(settings, ledger_, exports)
    return exports


def _check_warehouses(evidence: Evidence, side: Path, say: Progress) -> tuple[list[LawCheck], bool]:
    """Build both sides and look at them; also return whether law 1 is kept."""
    settings = evidence.settings
    workspace = Workspace.scratch(settings, side)
    dbt = Dbt(workspace)
    try:
        dbt.parse()
    except DbtError as error:
        finding = Finding("not built", [str(error)])
        return [judge("law 1", SAME_MARTS, finding)], False
    sides = build_sides(settings, workspace, dbt, say)
    found = check_sides(sides)
    is_sound = not broken_laws(found)
    if not is_sound:
        found.append(_kept_folder(side))
    say("comparing what is in the warehouse")
    if sides.rebuilt.warehouse.exists():
        attach(evidence.sql, sides.rebuilt.warehouse, "warehouse")
    return [*found, *(check(evidence) for check in WAREHOUSE_CHECKS)], is_sound


def _kept_folder(side: Path) -> LawCheck:
    return LawCheck(
        "law 1", "both sides are kept for a look; remove them when done", str(side), True
    )


@contextmanager
def _scratch(settings: Settings) -> Iterator[Path]:
    """Give a new folder below `home/scratch` and remove it, unless it holds a file `keep`."""
    side = settings.home / "scratch" / f"verify-{os.getpid()}"
    shutil.rmtree(side, ignore_errors=True)
    side.mkdir(parents=True)
    try:
        yield side
    finally:
        if not (side / "keep").exists():
            shutil.rmtree(side, ignore_errors=True)


def _order(check: LawCheck) -> tuple[int, str]:
    number = check.law.removeprefix("law ")
    return (int(number) if number.isdigit() else 99, check.law)
