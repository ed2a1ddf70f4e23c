"""Files of the inbox are collected when they are whole: by size and time, over two looks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from orchestration.collect.arrivals import find_arrivals, list_inbox
from orchestration.collect.inbox import collect_inbox, read_manifest
from orchestration.defs.collect.sensors import TICK_SECONDS, collected_files, inbox_arrivals
from orchestration.settings import Settings

HEADER = "number,network,ported_at\n"
ROW = "4915112345678,26202,2026-10-01T00:00:00Z\n"
NOON = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
SETTLE = timedelta(seconds=30)


def write(settings: Settings, name: str, text: str, at: datetime) -> Path:
    path = settings.inbox / "ported_numbers" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    os.utime(path, (at.timestamp(), at.timestamp()))
    return path


@pytest.fixture
def house(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings as Dagster reads them."""
    monkeypatch.setenv("TOLLHOUSE_HOME", str(settings.home))
    return settings


def settled(settings: Settings, before: Mapping[str, tuple[int, int]], at: datetime) -> list[str]:
    found = find_arrivals(before, list_inbox(settings), read_manifest(settings), at, SETTLE)
    return list(found.settled)


def test_a_file_is_settled_when_it_stayed_as_it_was_for_long_enough(settings: Settings) -> None:
    write(settings, "1.csv", HEADER + ROW, NOON)
    seen = list_inbox(settings)
    assert settled(settings, {}, NOON + SETTLE) == []
    assert settled(settings, seen, NOON + SETTLE - timedelta(seconds=1)) == []
    assert settled(settings, seen, NOON + SETTLE) == ["ported_numbers/1.csv"]


def test_a_file_that_grew_between_two_looks_is_not_settled(settings: Settings) -> None:
    path = write(settings, "1.csv", HEADER, NOON)
    seen = list_inbox(settings)
    path.write_text(HEADER + ROW, "utf-8")
    os.utime(path, (NOON.timestamp(), NOON.timestamp()))
    assert settled(settings, seen, NOON + SETTLE) == []
    assert settled(settings, list_inbox(settings), NOON + SETTLE) == ["ported_numbers/1.csv"]


def test_what_was_collected_is_new_again_only_when_it_changed(settings: Settings) -> None:
    write(settings, "1.csv", HEADER + ROW, NOON)
    collect_inbox(settings, (NOON + SETTLE).replace(tzinfo=None))
    later = NOON + timedelta(hours=1)
    assert settled(settings, list_inbox(settings), later) == []
    write(settings, "1.csv", HEADER + ROW.replace("26202", "26203"), NOON + timedelta(minutes=5))
    assert settled(settings, list_inbox(settings), later) == ["ported_numbers/1.csv"]


def test_the_same_batch_has_one_id_and_another_file_another(settings: Settings) -> None:
    write(settings, "1.csv", HEADER + ROW, NOON)
    seen = list_inbox(settings)
    found = find_arrivals(seen, seen, [], NOON + SETTLE, SETTLE)
    again = find_arrivals(seen, seen, [], NOON + 2 * SETTLE, SETTLE)
    assert found.batch_id == again.batch_id
    assert replace(found, settled=()).batch_id != found.batch_id


def test_a_file_that_may_still_be_written_is_left_by_the_collecting_run(
    house: Settings,
) -> None:
    now = datetime.now(UTC)
    write(house, "old.csv", HEADER + ROW, now - timedelta(minutes=5))
    write(house, "young.csv", HEADER, now)
    config = {"ops": {"collected_files": {"config": {"settle_seconds": TICK_SECONDS}}}}
    result = dg.materialize(
        [collected_files], run_config=config, partition_key=now.date().isoformat()
    )
    assert result.success
    assert [row.file_name for row in read_manifest(house)] == ["old.csv"]
    assert (house.inbox / "ported_numbers" / "young.csv").exists()


def test_the_sensor_launches_one_run_for_a_batch_and_none_for_what_is_written(
    house: Settings,
) -> None:
    now = datetime.now(UTC)
    write(house, "1.csv", HEADER + ROW, now - timedelta(minutes=5))
    first = dg.build_sensor_context()
    assert isinstance(inbox_arrivals(first), dg.SkipReason)
    write(house, "2.csv", HEADER, now)
    second = dg.build_sensor_context(cursor=first.cursor)
    launched = inbox_arrivals(second)
    assert isinstance(launched, dg.SensorResult)
    (request,) = launched.run_requests or ()
    assert request.tags["tollhouse/files"] == "1"
    assert request.partition_key == datetime.now(UTC).date().isoformat()
    # Looking again before that run has collected gives the same batch: Dagster runs a key once.
    again = inbox_arrivals(dg.build_sensor_context(cursor=launched.cursor))
    assert isinstance(again, dg.SensorResult)
    assert [one.run_key for one in again.run_requests or ()] == [request.run_key]
    collect_inbox(house, now.replace(tzinfo=None), settle=SETTLE)
    after = inbox_arrivals(dg.build_sensor_context(cursor=launched.cursor))
    assert isinstance(after, dg.SkipReason)
    assert after.skip_message == "1 new files, none of them settled"
