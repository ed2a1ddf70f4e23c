"""The truth of the sample operator, and edges that it seldom reaches: a few hundred events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

import duckdb
from usage_home import ROOT

from orchestration.sample.base import make_synthetic_table, split_into_bands
from orchestration.sample.feeds import Feed
from orchestration.sample.formats.events import ZONE, Event, UsageFile
from orchestration.sample.formats.registry import WRITERS
from orchestration.sample.generate import prepare, route, run_scripts
from orchestration.sample.options import SampleOptions
from orchestration.settings import Settings

SEEDS = ROOT / "seeds"
DAY = date(2026, 10, 1)
PER_CLASS = 60
SUBSCRIBERS = 60
# Around both changes of the clock: before, in both of two equal hours, and behind.
STARTS = (
    datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC),
    datetime(2026, 3, 29, 1, 0, 0, tzinfo=UTC),
    datetime(2026, 10, 25, 0, 30, 0, tzinfo=UTC),
    datetime(2026, 10, 25, 1, 30, 0, tzinfo=UTC),
    datetime(2026, 10, 25, 2, 0, 0, tzinfo=UTC),
)
SECONDS = (0, 1, 59, 60, 86_399)
VOLUMES = ((0, 1), (0, 2**32 - 1), (2**32, 2**32), (1, 2**40), (127, 128))


@cache
def truth() -> tuple[Event, ...]:
    """Return events of every kind of usage that the sample makes, and the edges of each."""
    settings = Settings(home=Path("/nonexistent"), project_root=ROOT)
    options = SampleOptions(subscribers=SUBSCRIBERS)
    with duckdb.connect() as sql:
        prepare(sql, options)
        make_synthetic_table(sql, SUBSCRIBERS)
        split_into_bands(sql, SUBSCRIBERS)
        run_scripts(sql)
        route(sql, settings, options)
        found = sql.execute(
            f"select {', '.join(Event._fields)} from routed where kind <> 'duplicate'"
            " qualify row_number() over (partition by service, direction, serving_network"
            f" order by hash(record_id)) <= {PER_CLASS}"
            " order by start_epoch, event_number"
        ).fetchall()
    events = [Event(*columns) for columns in found]
    return tuple(sorted((*events, *_edges(events)), key=lambda one: one.start_epoch))


def _edges(events: Sequence[Event]) -> Iterator[Event]:
    """Yield one event of each kind for each edge, under numbers of its own."""
    kinds = {(one.service, one.direction, one.serving_network): one for one in events}
    number = 3_000_000_000
    for event in kinds.values():
        for start, seconds, (up, down) in zip(STARTS, SECONDS, VOLUMES, strict=True):
            number += 1
            yield event._replace(
                record_id=f"edge-{number}",
                event_number=number,
                session_number=number,
                started_at=start.astimezone(ZONE).isoformat(),
                start_epoch=int(start.timestamp()),
                duration_seconds=seconds if event.service != "sms" else 0,
                volume_uplink_bytes=up if event.service == "data" else 0,
                volume_downlink_bytes=down if event.service == "data" else 0,
            )


def told(feed: Feed) -> list[tuple[Event, Event]]:
    """Return the events that a feed's files can tell of, each with what must land of it."""
    pairs = []
    for event in truth():
        lands = WRITERS[feed.format].tells(event) if event.service in feed.services else None
        if lands is not None:
            pairs.append((event, lands))
    return pairs


def write_file(feed: Feed, events: Sequence[Event], path: Path, sequence: int = 1) -> None:
    """Write events as a file of the feed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    node = feed.node or (events[0].partner or "" if events else "FRAF1")
    WRITERS[feed.format].write(UsageFile(node, DAY, sequence, events, SEEDS), path)
