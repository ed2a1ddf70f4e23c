"""What differs between two trees: tariff rows by their key, and the other files by their name."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from orchestration.collect.seed_check import SeedRules, read_seed_rules
from orchestration.scratch.trees import Tree
from renderers.impact import SeedChange

SHOWN = 100
FOLDERS = ("dbt_project/models", "dbt_project/macros", "seeds")
SUFFIXES = {".sql", ".yml", ".csv"}
_Rows = dict[tuple[str, ...], tuple[int, dict[str, str]]]


@dataclass(frozen=True)
class Changes:
    """Rows of seeds that differ, the first of them, and other files that do."""

    rows: tuple[SeedChange, ...]
    files: tuple[str, ...]


def find_changes(before: Tree, after: Tree) -> Changes:
    """Compare models, macros and seeds of two trees."""
    rows: list[SeedChange] = []
    files: list[str] = []
    rules = {**read_seed_rules(before.root / "seeds"), **read_seed_rules(after.root / "seeds")}
    for name in _differing(before.root, after.root):
        known = rules.get(Path(name).stem)
        if not name.endswith(".csv") or known is None:
            files.append(name)
            continue
        found = _compare(name, known, before.root / name, after.root / name)
        rows += found
        if not found:
            files.append(name)
    more = len(rows) - SHOWN
    if more > 0:
        files.append(f"and {more:,} more rows of seeds")
    return Changes(tuple(rows[:SHOWN]), tuple(files))


def first_day(tree: Tree, change: SeedChange) -> date | None:
    """Return the day from which a row of a tree is valid, None when it has none."""
    rules = read_seed_rules(tree.root / "seeds").get(Path(change.file).stem)
    if rules is None or not rules.validity:
        return None
    for line, row in _read(tree.root / change.file, rules).values():
        if line == change.line:
            return date.fromisoformat(row[rules.validity[0]])
    return None


def _differing(before: Path, after: Path) -> list[str]:
    names = {
        path.relative_to(root).as_posix()
        for root in (before, after)
        for folder in FOLDERS
        for path in (root / folder).rglob("*")
        if path.suffix in SUFFIXES
    }
    return sorted(name for name in names if _content(before / name) != _content(after / name))


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _compare(name: str, rules: SeedRules, before: Path, after: Path) -> list[SeedChange]:
    was, now = _read(before, rules), _read(after, rules)
    found = [
        SeedChange(name, line, "removed", _shown(key), "")
        for key, (line, _) in was.items()
        if key not in now
    ]
    for key, (line, row) in now.items():
        if key not in was:
            found.append(SeedChange(name, line, "added", _shown(key), ""))
            continue
        old = was[key][1]
        differs = [
            f"{column} {old.get(column) or 'empty'} \N{RIGHTWARDS ARROW} {value or 'empty'}"
            for column, value in row.items()
            if old.get(column) != value
        ]
        if differs:
            found.append(SeedChange(name, line, "changed", _shown(key), ", ".join(differs)))
    return sorted(found, key=lambda change: (change.line, change.kind))


def _read(path: Path, rules: SeedRules) -> _Rows:
    """Return the rows of a seed by what names them: the row's id, else its key and first day."""
    columns = (rules.row_id,) if rules.row_id else (*rules.key, *rules.validity[:1])
    rows: _Rows = {}
    if not path.is_file():
        return rows
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader, line = csv.DictReader(stream), 1
        for row in reader:
            rows[tuple(str(row.get(one)) for one in columns)] = (line + 1, row)
            line = reader.line_num
    return rows


def _shown(key: tuple[str, ...]) -> str:
    return " ".join(key)
