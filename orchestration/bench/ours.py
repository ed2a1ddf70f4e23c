"""One round of this project in a process of its own: what a rival is measured against."""

from __future__ import annotations

import sys
from pathlib import Path

from orchestration.bench.rating import calculate, home_in, prepare
from orchestration.bench.rivals.measured import answer
from orchestration.settings import Settings


def main(command: str, scratch: Path, events: int) -> None:
    """Prepare the home under `scratch`, or calculate the invoices of one that is prepared."""
    settings = Settings.from_environment()
    if command == "prepare":
        prepare(settings, scratch, events)
    else:
        stage = calculate(home_in(settings, scratch), data_tests=False)
        answer(stage.totals, stage.wall_seconds, stage.cpu_seconds)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
