"""Trying vectors: each planned into one world, built once, asked for its number."""

from __future__ import annotations

import json
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from kinds import KINDS, OUT_OF_SCOPE, Check, kind_of
from world import World

DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class Tried:
    """What came of one vector; `problem` is empty when the warehouse has its number."""

    file: str
    kind: str
    vector_id: str
    outcome: str
    problem: str = ""


def try_vectors(folder: Path, scratch: Path) -> list[Tried]:
    """Try every vector of a folder in one build; raises `AssertionError` when the build fails."""
    world = World(scratch)
    planned: list[tuple[Tried, Check | None]] = []
    for number, (file, row) in enumerate(_read(folder)):
        kind = kind_of(file, row)
        vector_id = str(row["id"])
        if kind in OUT_OF_SCOPE:
            planned.append((Tried(file, kind, vector_id, "out of scope"), None))
        elif kind not in KINDS:
            planned.append((Tried(file, kind, vector_id, "failed", "kind unknown"), None))
        else:
            mark = world.mark()
            try:
                check = KINDS[kind](row, f"v{number:04d}", world)
                planned.append((Tried(file, kind, vector_id, "passed"), check))
            except Exception:
                world.forget_since(mark)
                planned.append((Tried(file, kind, vector_id, "failed", _last_line()), None))
    failed_nodes = [result for result in world.build() if result.has_failed]
    assert not failed_nodes, "\n".join(f"{one.unique_id}: {one.message}" for one in failed_nodes)
    assert world.rejects() == []
    return [_ask(world, attempt, check) if check else attempt for attempt, check in planned]


def summarise(tried: Iterable[Tried]) -> list[str]:
    """Return lines that say per kind what passed, failed and is out of scope, and why it failed."""
    tried = list(tried)
    counts = Counter((one.kind, one.outcome) for one in tried)
    lines = [f"{'kind':32}{'passed':>8}{'failed':>8}{'out of scope':>14}"]
    for kind in sorted({one.kind for one in tried}):
        figures = [counts[kind, outcome] for outcome in ("passed", "failed", "out of scope")]
        lines.append(f"{kind:32}{figures[0]:>8}{figures[1]:>8}{figures[2]:>14}")
    failed = [one for one in tried if one.outcome == "failed"]
    return lines + [f"  {one.vector_id} ({one.kind}): {one.problem[:300]}" for one in failed]


def _ask(world: World, attempt: Tried, check: Check) -> Tried:
    try:
        problem = check(world)
    except Exception:
        problem = _last_line()
    outcome = "failed" if problem else "passed"
    return Tried(attempt.file, attempt.kind, attempt.vector_id, outcome, problem)


def _last_line() -> str:
    return traceback.format_exc().strip().splitlines()[-1]


def _read(folder: Path) -> Iterator[tuple[str, dict[str, object]]]:
    paths = sorted(folder.glob("*.jsonl"))
    assert paths, f"no *.jsonl in {folder}"
    for path in paths:
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.strip():
                yield path.stem, json.loads(line)
