"""The demo operator's feeds: which node writes which usage in which format, into which folder.

Each record comes once, from one feed. A feed's folder is a usage source of the seeds, whose mapping
turns the format into usage again, and its names are those that `expected_files` waits for.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Final

import duckdb

from orchestration.sample.faults import FaultPlan, declare
from orchestration.sample.formats.events import Event, UsageFile
from orchestration.sample.formats.registry import WRITERS
from orchestration.sample.options import HOUSE, SampleError

HOUSE_FEED: Final = "usage"
PARTNER_FEED: Final = "roaming"
_ALL_SERVICES: Final = ("voice", "sms", "data")
_CALLS: Final = ("voice", "sms")
_EVENT: Final = ", ".join(Event._fields)
_FETCHED: Final = 20_000


@dataclass(frozen=True)
class Feed:
    """What one node sends: its folder, format and services, and how its files are named.

    Without a node of its own the node of a record is the partner that served it. `keeps_ids` says
    that a record which is sent again in another file has the id that it had.
    """

    source_id: str
    format: str
    services: tuple[str, ...]
    node: str
    file_name: str
    keeps_ids: bool = True

    def path(self, inbox: Path, node: str, day: date, sequence: int) -> Path:
        """Return where the file of a node, day and number lies."""
        return inbox / self.source_id / self.file_name.format(node, day, sequence)


FEEDS: Final = (
    Feed("switch", "ts32297", _CALLS, "msc02", "{}_{:%Y%m%d}_{:06d}.cdr"),
    Feed("gateway", "ts32297", ("data",), "pgw02", "{}_{:%Y%m%d}_{:06d}.cdr"),
    Feed("charging_function", "chf_json", ("data",), "smf01", "{}_{:%Y%m%d}_{:06d}.json"),
    Feed("exchange", "ts32298", _CALLS, "msc03", "{}_{:%Y%m%d}_{:06d}.ber"),
    Feed(PARTNER_FEED, "tap3", _ALL_SERVICES, "", "CD{0}DEUNW{2:05d}", keeps_ids=False),
    Feed("pbx", "asterisk_csv", ("voice",), "pbx01", "{}_{:%Y%m%d}_{:06d}.csv"),
    Feed("voip", "freeswitch_csv", ("voice",), "fsw01", "{}_{:%Y%m%d}_{:06d}.csv"),
    Feed("voip_xml", "freeswitch_xml", ("voice",), "fsw02", "{}_{:%Y%m%d}_{:06d}.xml"),
    Feed("nas", "radius_detail", ("data",), "nas01", "{}_{:%Y%m%d}_{:06d}.detail"),
    Feed("edge", "flow_export", ("data",), "edge01", "{}_{:%Y%m%d}_{:06d}.ipfix", keeps_ids=False),
    Feed("reseller", "csv", _ALL_SERVICES, "mvno01", "{}_{:%Y%m%d}_{:06d}.csv"),
    Feed("mediation", "parquet", _ALL_SERVICES, "med01", "{}_{:%Y%m%d}_{:06d}.parquet"),
)


def read_partners(seeds: Path) -> dict[str, str]:
    """Return the partner of each network abroad, as the mapping of their files names them."""
    partners: dict[str, str] = {}
    path = seeds / "policy" / "usage_source_values.csv"
    if path.is_file():
        with path.open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                if (row["source_id"], row["field"]) == (PARTNER_FEED, "sender"):
                    partners.setdefault(row["becomes"], row["value"])
    return partners


def choose_feeds(connection: duckdb.DuckDBPyConnection, formats: Sequence[str]) -> None:
    """Fill `feed_choices`: for each class of records the feeds whose files can tell of it.

    What none of the formats can tell of comes in the house's own.
    """
    classes = "service, direction, serving_network, is_repeated_reading, has_no_seconds"
    found = connection.execute(
        f"select distinct on ({classes}) is_repeated_reading, has_no_seconds, {_EVENT}"
        " from usage_truth"
    ).fetchall()
    for is_repeated, has_no_seconds, *columns in found:
        event = Event(*columns)
        feeds = [
            feed.source_id
            for feed in FEEDS
            if feed.format in formats
            and event.service in feed.services
            and WRITERS[feed.format].tells(event) is not None
        ]
        if HOUSE in formats or not feeds:
            feeds.append(HOUSE_FEED)
        connection.execute(
            "insert into feed_choices values (?, ?, ?, ?, ?, ?)",
            [
                *(event.service, event.direction, event.serving_network),
                *(is_repeated, has_no_seconds, feeds),
            ],
        )


def write_feeds(
    connection: duckdb.DuckDBPyConnection,
    inbox: Path,
    seeds: Path,
    formats: Sequence[str],
    days: Sequence[date],
    sequences_before: int,
    plan: FaultPlan,
    progress: Callable[[int, int], None],
) -> dict[Path, int]:
    """Write a file for each node and day of the feeds in these formats; return their records.

    A node without usage on a day sends a file that says so: no usage is something else than no
    file. The faults of the plan are put in. `progress` gets the records written and to be written.
    """
    counted = connection.execute("select count(*) from routed where feed <> 'usage'").fetchone()
    total, done = int(counted[0]) if counted else 0, 0
    partners = sorted(set(read_partners(seeds).values()))
    written: dict[Path, int] = {}
    for feed in FEEDS:
        if feed.format not in formats:
            continue
        nodes = [feed.node] if feed.node else partners
        events = _events_by_file(connection, feed)
        waiting = next(events, None)
        for node in nodes:
            left_out, before = 0, Path()
            for day in days:
                held: list[Event] = []
                if waiting is not None and waiting[:2] == (node, day):
                    held, waiting = waiting[2], next(events, None)
                fault = plan.take(feed.source_id, day.day, len(held))
                left_out += fault is not None and fault.kind == "jump"
                sequence = sequences_before + day.day + left_out
                path = feed.path(inbox, node, day, sequence)
                file = declare(UsageFile(node, day, sequence, held, seeds), fault)
                _write(feed, file, path)
                if fault:
                    plan.damage(fault, path, before)
                written[path] = len(held)
                before = path
                done += len(held)
                progress(done, total)
        if waiting is not None:
            raise SampleError(f"{feed.source_id}: no file for {waiting[0]} on {waiting[1]}")
    return written


def _events_by_file(
    connection: duckdb.DuckDBPyConnection, feed: Feed
) -> Iterator[tuple[str, date, list[Event]]]:
    """Yield the events of a feed by node and day of delivery, in order."""
    node = "$node" if feed.node else "partner"
    cursor = connection.cursor()
    found = cursor.execute(
        f"select {node}, delivery_date, {_EVENT} from routed where feed = $feed"
        " order by 1, 2, start_epoch, event_number",
        {"feed": feed.source_id} | ({"node": feed.node} if feed.node else {}),
    )

    def rows() -> Iterator[tuple[str, date, Event]]:
        while fetched := found.fetchmany(_FETCHED):
            for node, day, *columns in fetched:
                yield node, day, Event(*columns)

    for (node_of, day), group in groupby(rows(), key=lambda row: row[:2]):
        yield node_of, day, [event for _, _, event in group]


def _write(feed: Feed, file: UsageFile, path: Path) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    WRITERS[feed.format].write(file, temporary)
    temporary.replace(path)
