"""Publishing: BI reads one whole generation, whatever is published meanwhile."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from orchestration.lib.publish import PublishError, publish_marts
from orchestration.settings import Settings

# Reads both forms again and again until it is told to stop; prints how often, and what was torn.
READER = """
import json, sys
from pathlib import Path
import duckdb

published, stop = Path(sys.argv[1]), Path(sys.argv[2])
SUMS = "select (select min(stamp) from {a}), (select max(stamp) from {a}), " \\
       "(select min(stamp) from {b}), (select max(stamp) from {b}), (select count(*) from {a})"
reads, torn, seen = 0, [], set()
print("ready", flush=True)
while not stop.exists():
    with duckdb.connect(str(published / "tollhouse.duckdb"), read_only=True) as bi:
        file = bi.execute(SUMS.format(a="marts.fct_large", b="marts.dim_small")).fetchone()
    folder = (published / "parquet" / "current").resolve()
    with duckdb.connect() as bi:
        parquet = bi.execute(
            SUMS.format(a=f"'{folder}/fct_large.parquet'", b=f"'{folder}/dim_small.parquet'")
        ).fetchone()
    for row in (file, parquet):
        if len(set(row[:4])) != 1 or row[4] != 200_000:
            torn.append(row)
    seen.add(file[0])
    reads += 1
print(json.dumps({"reads": reads, "torn": torn, "seen": len(seen)}))
"""


def _build(settings: Settings, stamp: int) -> None:
    settings.home.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(settings.warehouse)) as warehouse:
        warehouse.execute("create schema if not exists marts")
        warehouse.execute(
            f"create or replace table marts.fct_large as select {stamp} as stamp, range as number,"
            " md5(range::varchar) as text from range(200_000)"
        )
        warehouse.execute(f"create or replace table marts.dim_small as select {stamp} as stamp")
        warehouse.execute("comment on table marts.fct_large is 'It''s large.'")
        warehouse.execute("comment on column marts.fct_large.number is 'A \"number\".'")


def test_a_home_copied_without_its_links_publishes_on(settings: Settings, tmp_path: Path) -> None:
    _build(settings, 0)
    publish_marts(settings)
    copied = replace(settings, home=tmp_path / "copied")
    shutil.copytree(settings.home, copied.home, symlinks=False)
    _build(copied, 1)
    publish_marts(copied)
    current = copied.published / "parquet" / "current"
    assert current.is_symlink()
    assert duckdb.sql(f"select stamp from '{current}/dim_small.parquet'").fetchall() == [(1,)]


def test_a_reader_never_sees_half_a_generation(settings: Settings, tmp_path: Path) -> None:
    _build(settings, 0)
    publish_marts(settings)
    stop = tmp_path / "stop"
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, str(settings.published), str(stop)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert reader.stdout is not None
    assert reader.stdout.readline() == "ready\n"
    for stamp in range(1, 7):
        _build(settings, stamp)
        publish_marts(settings)
    stop.touch()
    out, err = reader.communicate(timeout=60)
    assert err == ""
    told = json.loads(out)
    assert told["torn"] == []
    assert told["reads"] > 5
    assert told["seen"] > 1


def test_a_generation_is_whole_described_and_read_only(settings: Settings) -> None:
    _build(settings, 1)
    summary = publish_marts(settings)
    assert summary.row_counts == {"dim_small": 1, "fct_large": 200_000}
    assert summary.database.stat().st_mode & 0o222 == 0
    assert (settings.published / "parquet" / "current").resolve() == summary.parquet
    described = json.loads((summary.parquet / "generation.json").read_text())
    assert described["generation"] == summary.generation
    with duckdb.connect(str(summary.database), read_only=True) as bi:
        assert bi.execute("select generation from published.generation").fetchall() == [
            (summary.generation,)
        ]
        assert bi.execute(
            "select comment from duckdb_tables() where comment is not null"
        ).fetchall() == [("It's large.",)]
        comments = "select column_name, comment from duckdb_columns() where comment is not null"
        assert bi.execute(comments).fetchall() == [("number", 'A "number".')]
        version = bi.execute(
            "select tags['storage_version'] from duckdb_databases() where not internal"
        )
        assert str(version.fetchone()).startswith("('v1.0.0")


def test_old_and_unfinished_generations_go(settings: Settings) -> None:
    _build(settings, 1)
    made = [publish_marts(settings) for _ in range(4)]
    parquet = settings.published / "parquet"
    (parquet / ".20260101T000000Z-abc.1.ab.tmp").mkdir()
    (settings.published / ".tollhouse.duckdb.1.ab.tmp.wal").touch()
    made.append(publish_marts(settings))
    left = {one.name for one in parquet.iterdir()}
    assert left == {"current", made[-2].generation, made[-1].generation}
    assert {one.name for one in settings.published.iterdir()} == {
        "README.md",
        "parquet",
        "tollhouse.duckdb",
    }


def test_a_failed_publication_leaves_the_last_one(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    _build(settings, 1)
    first = publish_marts(settings)

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("orchestration.lib.publish._copy_comments", fail)
    with pytest.raises(KeyboardInterrupt):
        publish_marts(settings)
    with duckdb.connect(str(first.database), read_only=True) as bi:
        assert bi.execute("select * from published.generation").fetchall() == [(first.generation,)]
    assert (settings.published / "parquet" / "current").resolve() == first.parquet


def test_nothing_to_publish_is_one_line(settings: Settings) -> None:
    with pytest.raises(PublishError, match="nothing to publish"):
        publish_marts(settings)
    settings.home.mkdir(parents=True, exist_ok=True)
    duckdb.connect(str(settings.warehouse)).close()
    with pytest.raises(PublishError, match="nothing to publish"):
        publish_marts(settings)
