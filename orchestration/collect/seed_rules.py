"""Rules that look at several seeds at once: one rule, one query, one file in `seeds/checks/`.

The file's name is the rule. Its query reads the seeds by their names, with the declared types (what
is no such value is null: the type check tells of that) and `csv_line`, the line a row begins on. It
returns `seed`, `csv_line` and `message`: one row per mistake, standing on the line that is wrong.
`open_end(date)` reads an empty end as no end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

FOLDER = "checks"
_COLUMNS = ("seed", "csv_line", "message")
_TYPES = {"string": "varchar", "text": "varchar"}


@dataclass(frozen=True)
class ReadSeed:
    """A seed as its file says it: text by column, the declared types, and each record's line.

    `is_readable`: every record has its columns, and every value is one of its type.
    """

    lines: list[int]
    columns: Mapping[str, list[str]]
    types: Mapping[str, str]
    is_readable: bool = True

    @property
    def is_whole(self) -> bool:
        """Whether every declared column was read, and every value in it."""
        return self.is_readable and set(self.types) <= set(self.columns)


@dataclass(frozen=True)
class RuleFinding:
    """One mistake that a rule found: the seed and its line, or the rule's own file at line 1."""

    rule: str
    seed: str | None
    line: int
    message: str


def find_rules(seeds_dir: Path) -> list[Path]:
    """Return the files of the rules that lie beside the seeds, in the order of their names."""
    return sorted((seeds_dir / FOLDER).glob("*.sql"))


def run_rules(paths: list[Path], seeds: Mapping[str, ReadSeed]) -> Iterator[RuleFinding]:
    """Run every rule over the seeds it names.

    A rule whose seeds could not be read as declared is left out: that is told by itself. A rule
    that is no query over seeds is a finding on its own file.
    """
    if not paths:
        return
    with duckdb.connect(config={"threads": 2}) as sql:
        # A rule is text that came with the seeds: it computes and reads nothing else.
        sql.execute("set enable_external_access = false; set TimeZone = 'UTC'")
        sql.execute("create macro open_end(ends_on) as coalesce(ends_on, date '9999-12-31')")
        loaded: set[str] = set()
        for path in paths:
            yield from _run_rule(sql, path, seeds, loaded)


def _run_rule(
    sql: duckdb.DuckDBPyConnection, path: Path, seeds: Mapping[str, ReadSeed], loaded: set[str]
) -> Iterator[RuleFinding]:
    try:
        query = path.read_text("utf-8")
        named = sql.get_table_names(query)
        unknown = sorted(named - set(seeds))
        if unknown:
            message = f"reads {', '.join(unknown)}, which is no seed"
            yield RuleFinding(path.stem, None, 1, message)
            return
        if not all(seeds[name].is_whole for name in named):
            return
        for name in sorted(named - loaded):
            _load(sql, name, seeds[name])
            loaded.add(name)
        found = sql.execute(query)
        columns = tuple(column[0] for column in found.description or ())
        if columns != _COLUMNS:
            message = f"returns {', '.join(columns)} instead of {', '.join(_COLUMNS)}"
            yield RuleFinding(path.stem, None, 1, message)
            return
        for seed, line, message in found.fetchall():
            yield RuleFinding(path.stem, seed, line, message)
    except (duckdb.Error, UnicodeDecodeError) as error:
        message = " ".join(str(error).split())[:300]
        yield RuleFinding(path.stem, None, 1, f"cannot be run: {message}")


def _load(sql: duckdb.DuckDBPyConnection, name: str, seed: ReadSeed) -> None:
    """Make a table of a seed: as dbt would load it, an empty value is null."""
    typed = ", ".join(
        f"""try_cast(nullif("{column}", '') as {_TYPES.get(kind, kind)}) as "{column}\""""
        for column, kind in seed.types.items()
    )
    listed = ", ".join(f'unnest(?::varchar[]) as "{column}"' for column in seed.types)
    sql.execute(
        f'create table "{name}" as select csv_line, {typed}'
        f" from (select unnest(?::bigint[]) as csv_line, {listed})",
        [seed.lines, *(seed.columns[column] for column in seed.types)],
    )
