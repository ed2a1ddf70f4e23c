"""How a rival measures itself and answers: one line of JSON on its standard output."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from orchestration.bench.totals import Totals


def answer(totals: Totals | None, wall_seconds: float, cpu_seconds: float) -> None:
    """Print what a job found and cost; amounts as text."""
    found = None if totals is None else asdict(totals)
    figures = {"totals": found, "wall_seconds": wall_seconds, "cpu_seconds": cpu_seconds}
    print(json.dumps(figures, default=str))


def run_job(job: Callable[[Path, Path], Totals | None]) -> None:
    """Run a job from the folder of tables to the folder of its results, named on the command line.

    Measured from the first read to the last write; starting Python and loading libraries is not.
    """
    tables, results = (Path(one) for one in sys.argv[1:3])
    results.mkdir(parents=True, exist_ok=True)
    started, used = time.perf_counter(), time.process_time()
    totals = job(tables, results)
    answer(totals, time.perf_counter() - started, time.process_time() - used)
