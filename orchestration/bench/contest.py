"""This project against the same job by hand, side by side: totals first, then seconds.

Every entrant runs in a process of its own, one at a time, in rounds whose order turns, so that a
slow minute of the machine falls on all of them. CPU and wall seconds are the job's, from the first
read to the last write; starting Python, loading libraries and parsing the dbt project are not in
them. Memory is the most that the whole process held.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

from orchestration.bench.totals import Totals
from orchestration.bench.workload import TABLES_FOLDER
from orchestration.lib.errors import TollhouseError
from orchestration.settings import Settings

OURS, HAND_WRITTEN, POLARS, LIMIT, LOOP = (
    "tollhouse",
    "DuckDB by hand",
    "Polars by hand",
    "scan and write",
    "Decimal loop",
)
# The same job by hand, by its module, and the package it takes: without it, it does not take part.
RIVALS = (
    (HAND_WRITTEN, "duckdb_job", "duckdb"),
    (POLARS, "polars_job", "polars"),
    (LOOP, "decimal_loop", "duckdb"),
)
# The build of so few events costs what does not grow with events.
FIXED, FIXED_EVENTS = "tollhouse, 1,000 events", 1_000
WAREHOUSE = "warehouse.duckdb"
Say = Callable[[str], None]


class DisagreementError(TollhouseError):
    """Two entrants found different totals: no time is worth showing."""


@dataclass(frozen=True)
class Run:
    """One entrant in one round."""

    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int


@dataclass
class Entrant:
    """Who takes part.

    `before` makes the state that each round begins from; `is_compared` is false for who rates
    another number of events.
    """

    name: str
    command: Sequence[str]
    before: Callable[[], None] = lambda: None
    is_compared: bool = True
    runs: list[Run] = field(default_factory=list)


@dataclass(frozen=True)
class Contest:
    """What all agreed on, and what each of them took."""

    events: int
    totals: Totals
    entrants: tuple[Entrant, ...]

    def table(self) -> list[dict[str, Any]]:
        """Return one row per entrant: medians, the least and the most of all rounds."""
        by_hand = self._cpu(HAND_WRITTEN)
        return [
            {
                "entrant": one.name,
                "rounds": len(one.runs),
                **_spread("cpu", [run.cpu_seconds for run in one.runs]),
                **_spread("wall", [run.wall_seconds for run in one.runs]),
                "peak_megabytes": round(median(run.peak_bytes for run in one.runs) / 2**20),
                "cpu_to_hand_written": round(self._cpu(one.name) / by_hand, 2),
            }
            for one in self.entrants
        ]

    def _cpu(self, name: str) -> float:
        return median(
            run.cpu_seconds for one in self.entrants if one.name == name for run in one.runs
        )


def _spread(name: str, seconds: Sequence[float]) -> dict[str, float]:
    return {
        f"{name}_seconds": round(median(seconds), 2),
        f"{name}_least": round(min(seconds), 2),
        f"{name}_most": round(max(seconds), 2),
    }


def run_contest(settings: Settings, events: int, rounds: int, say: Say) -> Contest:
    """Rate so many events by all entrants in so many rounds.

    Raises `DisagreementError` after the first of them whose totals differ, `TollhouseError` when
    one of them fails.
    """
    with tempfile.TemporaryDirectory(prefix="tollhouse-bench-") as folder:
        scratch = Path(folder)
        say(f"making {events:,} events and collecting them")
        main = _prepare(settings, scratch / "main", events)
        fixed = _prepare(settings, scratch / "fixed", FIXED_EVENTS)
        entrants = _entrants(scratch, main, fixed, events)
        agreed = compete(entrants, rounds, _environment(settings), say)
    return Contest(events, agreed, tuple(entrants))


def compete(
    entrants: Sequence[Entrant], rounds: int, environment: Mapping[str, str], say: Say
) -> Totals:
    """Run all entrants in every round, keep what each cost, and return what all agreed on.

    The order turns from round to round. Raises as `run_contest` does.
    """
    agreed: Totals | None = None
    for number in range(rounds):
        turn = number % len(entrants)
        for entrant in (*entrants[turn:], *entrants[:turn]):
            say(f"round {number + 1} of {rounds}: {entrant.name}")
            entrant.before()
            found = _run(entrant, environment)
            if found is None or not entrant.is_compared:
                continue
            agreed = agreed or found
            if found != agreed:
                raise DisagreementError(f"{entrant.name} found {found}, the others {agreed}")
    if agreed is None:
        raise TollhouseError("nobody found any totals")
    return agreed


def _prepare(settings: Settings, scratch: Path, events: int) -> Path:
    """Make a home in a process of its own and keep its warehouse as every round finds it."""
    scratch.mkdir()
    command = [*_python("orchestration.bench.ours"), "prepare", str(scratch), str(events)]
    done = subprocess.run(
        command, env=_environment(settings), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise TollhouseError(f"the workload could not be prepared: {done.stderr.strip()[-500:]}")
    shutil.copy(scratch / "home" / WAREHOUSE, scratch / WAREHOUSE)
    return scratch


def _entrants(scratch: Path, main: Path, fixed: Path, events: int) -> list[Entrant]:
    tables = str(main / TABLES_FOLDER)
    rivals = "orchestration.bench.rivals"

    def of_project(name: str, home: Path, count: int) -> Entrant:
        command = [*_python("orchestration.bench.ours"), "calculate", str(home), str(count)]
        return Entrant(name, command, lambda: _restore(home), count == events)

    by_rival = [
        Entrant(name, [*_python(f"{rivals}.{module}"), tables, str(scratch / module)])
        for name, module, needs in RIVALS
        if find_spec(needs)
    ]
    # Writes again the rows of the first of them.
    limit = [tables, str(scratch / RIVALS[0][1] / "rated.parquet"), str(scratch / "limit.parquet")]
    return [
        *by_rival,
        of_project(OURS, main, events),
        Entrant(LIMIT, [*_python(f"{rivals}.limit"), *limit]),
        of_project(FIXED, fixed, FIXED_EVENTS),
    ]


def _restore(scratch: Path) -> None:
    live = scratch / "home" / WAREHOUSE
    live.with_name(f"{live.name}.wal").unlink(missing_ok=True)
    shutil.copy(scratch / WAREHOUSE, live)


def _python(module: str) -> list[str]:
    return [sys.executable, "-m", module]


def _environment(settings: Settings) -> dict[str, str]:
    return {**os.environ, "TOLLHOUSE_PROJECT": str(settings.project_root)}


def _run(entrant: Entrant, environment: Mapping[str, str]) -> Totals | None:
    """Run an entrant once, keep what it cost, and return what it found; the limit finds nothing."""
    with (
        tempfile.TemporaryFile("w+") as out,
        tempfile.TemporaryFile("w+") as err,
        subprocess.Popen(entrant.command, env=environment, stdout=out, stderr=err) as process,
    ):
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        lines, complaint = out.read().splitlines(), err.read()
    if process.returncode != 0 or not lines:
        raise TollhouseError(f"{entrant.name} failed: {complaint.strip()[-500:]}")
    answer = json.loads(lines[-1])
    # Linux counts in kilobytes, macOS in bytes.
    peak = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    entrant.runs.append(Run(answer["wall_seconds"], answer["cpu_seconds"], peak))
    return None if answer["totals"] is None else Totals.from_texts(answer["totals"])
