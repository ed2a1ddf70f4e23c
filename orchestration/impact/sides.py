"""Both sides of a comparison: each is billed once, its results are kept by what they depend on.

A side's results are a file of a few megabytes, named by the hash of models, macros, seeds and of
the inputs of the passes. A side that was billed before, or that the live warehouse still holds as
the passes computed it, costs nothing; two sides to bill are billed at the same time.
"""

from __future__ import annotations

import hashlib
import multiprocessing
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty
from typing import Any

import duckdb

from orchestration.impact.queries import LIVE_IS_WHOLE, OUTPUTS, SIDE_TABLES
from orchestration.ledger.store import open_ledger
from orchestration.lib.built import read_built
from orchestration.lib.errors import TollhouseError
from orchestration.lib.files import temporary_beside
from orchestration.lib.lock import writer_lock
from orchestration.lib.warehouse import WarehouseError, open_warehouse
from orchestration.scratch.as_of import AsOf
from orchestration.scratch.building import ARRIVAL, WAIT_SECONDS, Advance, build_side
from orchestration.scratch.trees import Tree
from orchestration.settings import Settings

KEPT_RESULTS = 16
POLL_SECONDS = 0.2
# What is told of a side: its name, seconds of work done and in all.
Told = Callable[[str, float, float], None]


class SideError(TollhouseError):
    """A side could not be billed; the text says under which tariff and why."""


@dataclass(frozen=True)
class SideResult:
    """Where a side's results lie, and how they came: `kept`, `live` or `built`."""

    name: str
    tree: Tree
    results: Path
    origin: str


def bill_sides(
    settings: Settings, as_of: AsOf, trees: Mapping[str, Tree], told: Told
) -> dict[str, SideResult]:
    """Return the results of every side; what must be billed is billed, two at a time.

    The caller is the only one who does this in the home. Raises `SideError`.
    """
    found: dict[str, SideResult] = {}
    waiting: list[_Work] = []
    for name, tree in trees.items():
        path = _results_file(settings, tree, as_of)
        if path.exists():
            path.touch()
            found[name] = SideResult(name, tree, path, "kept")
        elif _take_live(settings, tree, as_of, path):
            found[name] = SideResult(name, tree, path, "live")
        elif any(one.results == path for one in waiting):
            found[name] = SideResult(name, tree, path, "built")
        else:
            waiting.append(_Work(settings, name, tree, as_of, path))
            found[name] = SideResult(name, tree, path, "built")
    _bill_all(waiting, told)
    _forget_old(settings)
    return found


@dataclass(frozen=True)
class _Work:
    """One side to bill, as it is handed to a process of its own."""

    settings: Settings
    name: str
    tree: Tree
    as_of: AsOf
    results: Path


def _bill_all(waiting: Sequence[_Work], told: Told) -> None:
    """Bill the last side in this process and those before it in processes beside it."""
    if not waiting:
        return
    *others, own = waiting
    context = multiprocessing.get_context("spawn")
    heard: Any = context.Queue()
    beside = {
        work.name: context.Process(target=_bill_beside, args=(work, heard), daemon=True)
        for work in others
    }
    finished: set[str] = set()

    def hear(seconds: float) -> None:
        with suppress(Empty):
            while True:
                kind, name, *said = heard.get(timeout=seconds)
                if kind == "failed":
                    raise SideError(said[0])
                if kind == "done":
                    finished.add(name)
                else:
                    told(name, *said)

    def advance(done: float, total: float) -> None:
        told(own.name, done, total)
        hear(0)

    try:
        for process in beside.values():
            process.start()
        _bill(own, advance)
        while len(finished) < len(beside):
            is_over = [name for name, one in beside.items() if not one.is_alive()]
            hear(POLL_SECONDS)
            if set(is_over) - finished:
                raise SideError(f"billing the side {is_over[0]} broke off")
    finally:
        for process in beside.values():
            if process.pid is not None:
                process.terminate()
                process.join()


def _bill_beside(work: _Work, heard: Any) -> None:
    try:
        _bill(work, lambda done, total: heard.put(("told", work.name, done, total)))
    except TollhouseError as error:
        heard.put(("failed", work.name, str(error)))
    else:
        heard.put(("done", work.name))


def _bill(work: _Work, advance: Advance) -> None:
    """Build a side in its folder and keep its results."""
    ledger = open_ledger(work.settings.ledger_url)
    folder = work.settings.home / "scratch" / "impact" / work.name
    try:
        side = build_side(work.settings, ledger, work.tree, work.as_of, folder, OUTPUTS, advance)
        _keep_results(side.warehouse, work.as_of, work.results)
    finally:
        ledger.engine.dispose()
        # Gigabytes that nobody needs any more; the parsed project makes the next time faster.
        (folder / "warehouse.duckdb").unlink(missing_ok=True)


def _keep_results(warehouse: Path, as_of: AsOf, path: Path) -> None:
    """Write the results of the passes from a warehouse into a file of their own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_beside(path)
    parameters: dict[str, Any] = {
        "pass_ids": list(as_of.pass_ids),
        "bill_date": as_of.bill_date,
        "watermark": as_of.watermark,
    }
    try:
        with duckdb.connect() as sql:
            sql.execute(f"attach '{_escaped(warehouse)}' as warehouse (read_only)")
            sql.execute(f"attach '{_escaped(temporary)}' as results")
            sql.execute("use warehouse")
            for table, query in SIDE_TABLES.items():
                given = {name: parameters[name] for name in parameters if f"${name}" in query}
                sql.execute(f"create table results.main.{table} as {query}", given)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _escaped(path: Path) -> str:
    return str(path).replace("'", "''")


def _take_live(settings: Settings, tree: Tree, as_of: AsOf, path: Path) -> bool:
    """Keep the results that the live warehouse holds, if they are what this side would compute.

    They are when the passes were validated with this very project, nothing landed since, what is
    priced on arrival was last made from it, and every issued total is still there.
    """
    if as_of.project_hash is None or not as_of.sees_all_landing:
        return False
    if tree.project_hash(settings) != as_of.project_hash:
        return False
    priced = read_built(settings.warehouse).get(ARRIVAL)
    if priced is None or priced.project != as_of.project_hash:
        return False
    with writer_lock(settings, WAIT_SECONDS):
        try:
            with open_warehouse(settings) as warehouse:
                ids = {"pass_ids": list(as_of.pass_ids)}
                row = warehouse.execute(LIVE_IS_WHOLE, ids).fetchone()
        except (WarehouseError, duckdb.Error):
            return False
        if not row or not row[0]:
            return False
        _keep_results(settings.warehouse, as_of, path)
    return True


def _results_file(settings: Settings, tree: Tree, as_of: AsOf) -> Path:
    digest = hashlib.sha256()
    for text in (
        tree.project_hash(settings),
        (tree.root / "dbt_project" / "dbt_project.yml").read_text("utf-8"),
        as_of.inputs,
        *SIDE_TABLES.values(),
    ):
        digest.update(text.encode() + b"\0")
    return settings.home / "scratch" / "impact" / "results" / f"{digest.hexdigest()}.duckdb"


def _forget_old(settings: Settings) -> None:
    folder = settings.home / "scratch" / "impact" / "results"
    results = sorted(folder.glob("*.duckdb"), key=lambda path: path.stat().st_mtime_ns)
    for path in results[:-KEPT_RESULTS]:
        path.unlink()
