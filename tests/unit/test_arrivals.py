"""Files of the inbox are collected when they are whole: by size and time, over two looks."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from orchestration.collect import inbox
from orchestration.collect.arrivals import find_arrivals
from orchestration.collect.inbox import ManifestRow, collect_inbox, read_manifest
from orchestration.collect.records import Inspection, inspect_file
from orchestration.defs.collect import sensors
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


NAME = "ported_numbers/1.csv"


def listed(size: int, changed_at: datetime) -> dict[str, tuple[int, str]]:
    return {NAME: (size, changed_at.isoformat())}


def is_settled(
    before: Mapping[str, tuple[int, str]],
    now: Mapping[str, tuple[int, str]],
    at: datetime,
    manifest: Sequence[ManifestRow] = (),
) -> bool | None:
    """Return whether the file is settled; None when it is not new."""
    found = find_arrivals(before, now, manifest, at, SETTLE)
    assert found.settled + found.unsettled in ((), (NAME,))
    return bool(found.settled) if found.settled or found.unsettled else None


def test_a_file_is_settled_when_it_stayed_as_it_was_for_long_enough() -> None:
    seen = listed(66, NOON)
    assert is_settled({}, seen, NOON + SETTLE) is False
    assert is_settled(seen, seen, NOON + SETTLE - timedelta(microseconds=1)) is False
    assert is_settled(seen, seen, NOON + SETTLE) is True


def test_a_file_that_grew_between_two_looks_is_not_settled() -> None:
    assert is_settled(listed(24, NOON), listed(66, NOON), NOON + SETTLE) is False
    assert is_settled(listed(66, NOON), listed(66, NOON), NOON + SETTLE) is True


def test_what_was_collected_is_new_again_only_when_it_changed(settings: Settings) -> None:
    write(settings, "1.csv", HEADER + ROW, NOON)
    (row,) = collect_inbox(settings, datetime.now(UTC))
    manifest = [replace(row, received_at=NOON.replace(tzinfo=None))]
    before, since = NOON - timedelta(microseconds=1), NOON
    later = NOON + timedelta(hours=1)
    same = listed(row.size_bytes, before)
    assert is_settled(same, same, later, manifest) is None
    for changed in (listed(row.size_bytes, since), listed(row.size_bytes + 1, before)):
        assert is_settled(changed, changed, later, manifest) is True


def test_the_same_batch_has_one_id_and_another_file_another() -> None:
    seen = listed(66, NOON)
    found = find_arrivals(seen, seen, [], NOON + SETTLE, SETTLE)
    again = find_arrivals(seen, seen, [], NOON + 2 * SETTLE, SETTLE)
    assert found.batch_id == again.batch_id
    grown = listed(67, NOON)
    other = find_arrivals(grown, grown, [], NOON + SETTLE, SETTLE)
    assert len({found.batch_id, other.batch_id, replace(found, settled=()).batch_id}) == 3


def test_a_collected_file_is_read_again_only_when_something_came_in_its_place(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []

    def inspect(path: Path, delimiter: str) -> Inspection:
        read.append(path.name)
        return inspect_file(path, delimiter)

    monkeypatch.setattr(inbox, "inspect_file", inspect)
    path = write(settings, "1.csv", HEADER + ROW, NOON)
    for expected in (["1.csv"], ["1.csv"]):
        collect_inbox(settings, datetime.now(UTC))
        assert read == expected
    # Of the same size, and dated long ago by who wrote it.
    write(settings, "other", HEADER + ROW.replace("26202", "26203"), NOON).replace(path)
    (row,) = collect_inbox(settings, datetime.now(UTC))
    assert (row.status, row.records_accepted) == ("accepted", 1)
    assert read == ["1.csv", "1.csv"]


def test_a_file_that_may_still_be_written_is_left_by_the_collecting_run(
    house: Settings,
) -> None:
    write(house, "1.csv", HEADER + ROW, NOON)
    now = datetime.now(UTC)
    for settle_seconds, collected in ((TICK_SECONDS, []), (0, ["1.csv"])):
        result = dg.materialize(
            [collected_files],
            run_config={"ops": {"collected_files": {"config": {"settle_seconds": settle_seconds}}}},
            partition_key=now.date().isoformat(),
            raise_on_error=False,
        )
        # With nothing collected ever, the run says that there is nothing to bill.
        assert result.success is bool(collected)
        assert [row.file_name for row in read_manifest(house)] == collected


def test_the_sensor_launches_one_run_for_a_batch_and_none_for_what_is_written(
    house: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(house, "1.csv", HEADER + ROW, NOON)
    first = dg.build_sensor_context()
    assert isinstance(inbox_arrivals(first), dg.SkipReason)
    second = dg.build_sensor_context(cursor=first.cursor)
    skipped = inbox_arrivals(second)
    assert isinstance(skipped, dg.SkipReason)
    assert skipped.skip_message == "1 new files, none of them settled"
    monkeypatch.setattr(sensors, "TICK_SECONDS", 0)
    launched = inbox_arrivals(dg.build_sensor_context(cursor=first.cursor))
    assert isinstance(launched, dg.SensorResult)
    (request,) = launched.run_requests or ()
    assert request.tags["tollhouse/files"] == "1"
    assert request.partition_key == datetime.now(UTC).date().isoformat()
    # Looking again before that run has collected gives the same batch: Dagster runs a key once.
    again = inbox_arrivals(dg.build_sensor_context(cursor=launched.cursor))
    assert isinstance(again, dg.SensorResult)
    assert [one.run_key for one in again.run_requests or ()] == [request.run_key]
    collect_inbox(house, datetime.now(UTC))
    after = inbox_arrivals(dg.build_sensor_context(cursor=launched.cursor))
    assert isinstance(after, dg.SkipReason)
    assert after.skip_message == "nothing new"
