"""The same truth through every format: the same usage lands, by the sources of the seeds."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from usage_home import RECEIVED, ROOT, landed
from usage_truth import DAY, SEEDS, told, truth, write_file

from orchestration.collect.inbox import collect_inbox, describe_rejects
from orchestration.collect.readers.registry import READERS
from orchestration.collect.sources import read_sources
from orchestration.sample.feeds import FEEDS, Feed, read_partners
from orchestration.sample.formats.events import Event
from orchestration.sample.formats.registry import WRITERS
from orchestration.settings import Settings

LANDED = (
    "record_id, service, direction, identifier, other_number,"
    " strftime(started_at, '%Y-%m-%dT%H:%M:%SZ'), utc_offset_minutes, duration_seconds,"
    " volume_bytes, serving_network, rating_group"
)
# What is declared in the file, and audited.
DECLARING = {"ts32297", "tap3"}


def row_of(event: Event) -> tuple[Any, ...]:
    """Return the columns of landing that an event must have, from the truth alone."""
    started = datetime.fromisoformat(event.started_at)
    offset = started.utcoffset()
    assert offset is not None
    return (
        *(event.record_id, event.service, event.direction, event.identifier, event.other_number),
        f"{started - offset:%Y-%m-%dT%H:%M:%S}Z",
        int(offset.total_seconds()) // 60,
        *(event.duration_seconds, event.volume_bytes, event.serving_network, event.rating_group),
    )


def files_of(feed: Feed, pairs: Sequence[tuple[Event, Event]]) -> list[list[tuple[Event, Event]]]:
    """Return what goes into each file: a partner sends its own, any other node sends two."""
    if not feed.node:
        of_partner = sorted(pairs, key=lambda pair: str(pair[0].partner))
        return [list(group) for _, group in groupby(of_partner, lambda pair: pair[0].partner)]
    # The parts of a session stay together.
    halves: list[list[tuple[Event, Event]]] = [[], []]
    for pair in pairs:
        halves[pair[0].session_number % 2].append(pair)
    return halves


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: f"{feed.format}-{feed.source_id}")
def test_the_same_truth_in_any_format_is_the_same_usage(tmp_path: Path, feed: Feed) -> None:
    settings = Settings(home=tmp_path, project_root=ROOT)
    pairs = told(feed)
    files = files_of(feed, pairs)
    assert len(pairs) > 40
    assert {event.service for event, _ in pairs} == set(feed.services)
    for sequence, held in enumerate(files, 1):
        path = feed.path(settings.inbox, feed.node or str(held[0][0].partner), DAY, sequence)
        write_file(feed, [event for event, _ in held], path, sequence)
    rows = collect_inbox(settings, RECEIVED)

    assert describe_rejects(settings) == []
    expected = [row_of(lands) for _, lands in pairs]
    found = landed(settings, LANDED)
    # Where the file numbers its records itself, no two have one number.
    assert len({row[0] for row in found}) == len(found) == len(expected)
    if pairs[0][1].record_id is None:
        found = [(None, *row[1:]) for row in found]
    assert sorted(found, key=repr) == sorted(expected, key=repr)

    assert sum(row.duration_seconds for row in rows) == sum(row[7] for row in expected)
    assert sum(row.volume_bytes for row in rows) == sum(row[8] for row in expected)
    for row in rows:
        assert row.status == "accepted"
        assert row.records_read == row.records_accepted + row.records_filtered
    if feed.format in DECLARING:
        declared = [
            (row.file_sequence, row.records_declared, row.records_lost or 0) for row in rows
        ]
        told_by_file = sorted((row.file_sequence, row.records_read, 0) for row in rows)
        assert sorted(declared) == told_by_file
        assert {row.file_sequence for row in rows} == set(range(1, len(files) + 1))


def test_a_session_without_its_stop_lands_as_a_total(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, project_root=ROOT)
    (feed,) = [one for one in FEEDS if one.format == "radius_detail"]
    event = max((one for one, _ in told(feed)), key=lambda one: one.volume_bytes)
    path = feed.path(settings.inbox, feed.node, DAY, 1)
    write_file(feed, [event], path)
    path.write_text(path.read_text().replace("Stop", "Interim-Update"))
    (row,) = collect_inbox(settings, RECEIVED)
    assert (row.records_accepted, row.records_filtered) == (1, 1)
    ((session, *told_of_it),) = landed(
        settings, "session_id, is_session_total, duration_seconds, volume_bytes"
    )
    assert session.endswith(f"-{event.event_number:08X}")
    assert told_of_it == [True, event.duration_seconds, event.volume_bytes]


def test_every_format_has_its_writer_and_its_feed() -> None:
    """A new reader comes with a writer in `orchestration/sample/formats`, and a feed."""
    of_usage = {name for name, reader in READERS.items() if reader.entity == "usage"}
    assert set(WRITERS) == of_usage == {feed.format for feed in FEEDS}
    sources = read_sources(SEEDS)
    assert {feed.source_id: feed.format for feed in FEEDS} == {
        name: sources[name].format for name in (feed.source_id for feed in FEEDS)
    }


def test_the_truth_reaches_the_edges() -> None:
    events = truth()
    assert {(one.service, one.direction) for one in events} == {
        *(("voice", "outgoing"), ("voice", "incoming"), ("sms", "outgoing")),
        *(("sms", "incoming"), ("data", "outgoing")),
    }
    assert {one.partner for one in events if not one.is_at_home} <= set(
        read_partners(SEEDS).values()
    )
    assert any(one.is_repeated_reading for one in events)
    assert any(not one.duration_seconds for one in events if one.service == "voice")
    assert any(one.volume_uplink_bytes >= 2**32 for one in events)
    assert 300 < len(events) < 900


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.source_id)
def test_the_calendar_of_files_knows_the_names_of_the_feeds(feed: Feed) -> None:
    name = feed.path(Path(), feed.node or "FRAF1", DAY, 7).name
    parts = {"node": "[A-Za-z0-9]+", "date": "[0-9]{8}", "sequence": "[0-9]+", "any": ".*"}
    with (SEEDS / "policy" / "expected_files.csv").open(encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["source_id"] == feed.source_id]
    patterns = [row["file_name_pattern"] for row in rows]
    matching = []
    for pattern in patterns:
        expression = re.escape(pattern)
        for part, found in parts.items():
            expression = expression.replace(re.escape(f"{{{part}}}"), found)
        matching += [pattern] if re.fullmatch(expression, name) else []
    assert matching
