"""The exported ledger is the ledger: each row once, whatever happened before."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.ledger import export
from orchestration.ledger.export import export_ledger
from orchestration.ledger.numbers import NewDocument, take_numbers
from orchestration.ledger.schema import LEDGER_TABLES, pass_transitions, run_closures
from orchestration.ledger.store import Ledger, append_row, open_ledger
from orchestration.settings import Settings


def add(ledger: Ledger, count: int) -> None:
    with ledger.write() as connection:
        for number in range(count):
            append_row(connection, run_closures, bill_run_id=f"r{number}", reason="it's, done")


def first_row(query: str) -> tuple[Any, ...]:
    row: tuple[Any, ...] = duckdb.execute(query).fetchall()[0]
    return row


def exported(settings: Settings, table: str = "run_closures") -> list[int]:
    glob = str(settings.exports / "ledger" / table / "*.parquet")
    rows = duckdb.execute("select sequence from read_parquet(?) order by 1", [glob]).fetchall()
    return [row[0] for row in rows]


def parts(settings: Settings, table: str = "run_closures") -> list[Path]:
    return sorted((settings.exports / "ledger" / table).glob("*-*.parquet"))


@pytest.fixture
def sqlite_ledger(settings: Settings) -> Ledger:
    return open_ledger(settings.ledger_url)


def test_an_empty_ledger_has_all_tables_with_their_columns(
    ledger: Ledger, settings: Settings
) -> None:
    export_ledger(ledger, settings)
    for table in LEDGER_TABLES:
        glob = str(settings.exports / "ledger" / table.name / "*.parquet")
        names = [row[0] for row in duckdb.execute(f"describe from '{glob}'").fetchall()]
        assert names == [column.name for column in table.columns]
        assert exported(settings, table.name) == []


def test_types_are_exact(ledger: Ledger, settings: Settings) -> None:
    amount = Decimal("99999999999999.9999")
    document = NewDocument("d", "invoice", "p", "a", "EUR", amount)
    with ledger.write() as connection:
        take_numbers(connection, "nordwind", "R", date(2026, 11, 1), [document], "NW")
        append_row(
            connection,
            pass_transitions,
            pass_id="p",
            state="opened",
            landing_watermark=2**53 + 1,
            control_totals='{"name": "Zoë\n\\"x\\""}',
        )
    export_ledger(ledger, settings)
    glob = str(settings.exports / "ledger" / "documents" / "*.parquet")
    types = dict(row[:2] for row in duckdb.execute(f"describe from '{glob}'").fetchall())
    assert types["total_amount"] == "DECIMAL(18,4)"
    assert types["issue_date"] == "DATE"
    assert types["recorded_at"] == "TIMESTAMP"
    assert types["sequence"] == "BIGINT"
    row = first_row(f"select total_amount, issue_date from '{glob}'")
    assert row == (amount, date(2026, 11, 1))
    glob = str(settings.exports / "ledger" / "pass_transitions" / "*.parquet")
    row = first_row(
        f"select landing_watermark, control_totals, commit_hash, recorded_at from '{glob}'"
    )
    assert row[:3] == (2**53 + 1, '{"name": "Zoë\n\\"x\\""}', None)
    with ledger.read() as connection:
        recorded_at = connection.execute(pass_transitions.select()).one().recorded_at
    assert row[3] == recorded_at.replace(tzinfo=None)


def test_each_run_adds_only_what_is_new(ledger: Ledger, settings: Settings) -> None:
    add(ledger, 3)
    first = export_ledger(ledger, settings)
    assert (first.is_rebuilt, first.added_counts["run_closures"]) == (True, 3)
    before = {path.name: path.stat().st_mtime_ns for path in parts(settings)}
    add(ledger, 2)
    second = export_ledger(ledger, settings)
    third = export_ledger(ledger, settings)
    assert (second.is_rebuilt, second.added_counts["run_closures"]) == (False, 2)
    assert (third.is_rebuilt, sum(third.added_counts.values())) == (False, 0)
    after = {path.name: path.stat().st_mtime_ns for path in parts(settings)}
    assert sorted(after) == [f"{1:020d}-{3:020d}.parquet", f"{4:020d}-{5:020d}.parquet"]
    assert after.items() > before.items()
    assert exported(settings) == [1, 2, 3, 4, 5]


def test_large_tables_come_in_several_parts(
    sqlite_ledger: Ledger, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "ROWS_PER_PART", 4)
    add(sqlite_ledger, 10)
    export_ledger(sqlite_ledger, settings)
    assert len(parts(settings)) == 3
    assert exported(settings) == list(range(1, 11))


def test_many_small_parts_are_joined(
    sqlite_ledger: Ledger, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "MAX_PARTS", 3)
    for _ in range(8):
        add(sqlite_ledger, 1)
        export_ledger(sqlite_ledger, settings)
        assert len(parts(settings)) <= 3
    assert exported(settings) == list(range(1, 9))


def overlap(folder: Path) -> None:
    first = min(folder.glob("*-*.parquet"))
    query = f"copy (from '{folder}/*.parquet') to '{folder}/{1:020d}-{5:020d}.parquet'"
    duckdb.execute(query)
    assert first.exists()


def lose_a_part(folder: Path) -> None:
    min(folder.glob("*-*.parquet")).unlink()


def lose_the_empty_file(folder: Path) -> None:
    (folder / f"{0:020d}.parquet").unlink()


def tear(folder: Path) -> None:
    part = max(folder.glob("*-*.parquet"))
    part.write_bytes(part.read_bytes()[:-20])


def rename(folder: Path) -> None:
    max(folder.glob("*-*.parquet")).rename(folder / f"{4:020d}-{6:020d}.parquet")


def add_a_stranger(folder: Path) -> None:
    shutil.copy(max(folder.glob("*-*.parquet")), folder / "zz.parquet")


def repeat_a_row(folder: Path) -> None:
    part = max(folder.glob("*-*.parquet"))
    query = f"(from '{part}' union all (from '{part}' limit 1))"
    duckdb.execute(f"copy {query} to '{folder / 'x.tmp'}' (format parquet)")
    (folder / "x.tmp").rename(part)


def older_shape(folder: Path) -> None:
    empty = folder / f"{0:020d}.parquet"
    duckdb.execute(f"copy (select * exclude (reason) from '{empty}') to '{folder / 'x.tmp'}'")
    duckdb.execute(
        f"copy (select * exclude (reason) from '{empty}') to '{folder / 'x.tmp'}' (format parquet)"
    )
    (folder / "x.tmp").rename(empty)


def lose_the_link(folder: Path) -> None:
    link = folder.parent
    whole = link.resolve()
    link.unlink()
    shutil.copytree(whole, link)


@pytest.mark.parametrize(
    "damage",
    [
        overlap,
        lose_a_part,
        lose_the_empty_file,
        tear,
        rename,
        add_a_stranger,
        repeat_a_row,
        older_shape,
        lose_the_link,
    ],
    ids=lambda damage: damage.__name__,
)
def test_damage_is_seen_and_repaired(
    sqlite_ledger: Ledger, settings: Settings, damage: Callable[[Path], None]
) -> None:
    for count in (3, 2):
        add(sqlite_ledger, count)
        export_ledger(sqlite_ledger, settings)
    damage(settings.exports / "ledger" / "run_closures")
    add(sqlite_ledger, 1)
    assert export_ledger(sqlite_ledger, settings).is_rebuilt
    assert exported(settings) == [1, 2, 3, 4, 5, 6]
    assert not export_ledger(sqlite_ledger, settings).is_rebuilt
    assert len(list(settings.exports.iterdir())) == 2, "the link and one generation"


@pytest.mark.parametrize("rows", [2, 3, 4])
def test_another_ledger_is_told_apart_also_by_the_same_number_of_rows(
    settings: Settings, rows: int
) -> None:
    ledger = open_ledger(settings.ledger_url)
    add(ledger, 3)
    export_ledger(ledger, settings)
    ledger.engine.dispose()
    for path in settings.home.glob("ledger.sqlite*"):
        path.unlink()
    other = open_ledger(settings.ledger_url)
    add(other, rows)
    assert export_ledger(other, settings).is_rebuilt
    assert exported(settings) == list(range(1, rows + 1))


class Killed(BaseException):
    """Stands for a SIGKILL at one place."""


@pytest.mark.parametrize("start", ["fresh", "grown", "damaged"])
def test_killed_at_any_step_the_next_export_is_right(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, start: str
) -> None:
    ledger = open_ledger(settings.ledger_url)
    steps = 0
    for step in range(40):
        add(ledger, 1)
        shutil.rmtree(settings.exports, ignore_errors=start == "fresh") if start == "fresh" else (
            export_ledger(ledger, settings)
        )
        if start == "damaged":
            lose_a_part(settings.exports / "ledger" / "run_closures")
        add(ledger, 2)
        with monkeypatch.context() as patched:
            survived = die_at(patched, step)
            try:
                export_ledger(ledger, settings)
            except Killed:
                steps += 1
        export_ledger(ledger, settings)
        assert exported(settings) == list(range(1, (step + 1) * 3 + 1))
        if survived():
            break
    assert steps >= {"fresh": 13, "grown": 2, "damaged": 13}[start]


def die_at(patched: pytest.MonkeyPatch, step: int) -> Callable[[], bool]:
    """Die at the n-th change of the file system; tells afterwards whether it came so far."""
    left = step

    def dying(function: Callable[..., Any]) -> Callable[..., Any]:
        def change(*arguments: Any, **options: Any) -> Any:
            nonlocal left
            left -= 1
            if left < 0:
                raise Killed
            return function(*arguments, **options)

        return change

    patched.setattr(export, "replace_atomically", dying(export.replace_atomically))
    patched.setattr(Path, "symlink_to", dying(Path.symlink_to))
    patched.setattr(Path, "replace", dying(Path.replace))
    patched.setattr(shutil, "rmtree", dying(shutil.rmtree))
    return lambda: left > 0


def test_readers_never_see_a_torn_or_missing_table(
    sqlite_ledger: Ledger, settings: Settings
) -> None:
    add(sqlite_ledger, 1)
    export_ledger(sqlite_ledger, settings)
    glob = str(settings.exports / "ledger" / "run_closures" / "*.parquet")
    stop = threading.Event()
    seen: list[int] = []
    wrong: list[object] = []

    def read() -> None:
        reader = duckdb.connect()
        while not stop.is_set():
            (row,) = reader.execute(
                "select count(*), count(distinct sequence), max(sequence) from read_parquet(?)",
                [glob],
            ).fetchall()
            if len(set(row)) != 1:
                wrong.append(row)
            else:
                seen.append(row[0])

    thread = threading.Thread(target=read)
    thread.start()
    try:
        for _ in range(25):
            add(sqlite_ledger, 1)
            export_ledger(sqlite_ledger, settings)
    finally:
        stop.set()
        thread.join()
    assert wrong == []
    assert seen == sorted(seen)
    assert len(seen) > 5


def test_recorded_at_is_utc_without_a_zone(ledger: Ledger, settings: Settings) -> None:
    add(ledger, 1)
    export_ledger(ledger, settings)
    glob = str(settings.exports / "ledger" / "run_closures" / "*.parquet")
    row = first_row(f"select recorded_at from '{glob}'")
    assert isinstance(row[0], datetime)
    assert row[0].tzinfo is None
