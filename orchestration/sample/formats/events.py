"""What a writer is given, and what it is: an event of the truth, a file to write, its writer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import groupby
from pathlib import Path
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

ZONE: Final = ZoneInfo("Europe/Berlin")
HOME_NETWORK: Final = "26299"
CALLING_CODE: Final = "49"


class Event(NamedTuple):
    """One row of usage of the truth; every column a string or a whole number.

    `started_at` is ISO 8601 with its offset, `start_epoch` the same instant. `event_number` is of
    this event alone, also in another file; events of one `session_number` are parts of one
    session. `partner` is the TADIG code of the network that a subscriber abroad used. Where a
    writer says what a file tells of an event, `record_id` is empty if the file numbers it itself.
    """

    record_id: str | None
    event_number: int
    session_number: int
    service: str
    direction: str
    identifier: str
    imsi: str
    other_number: str | None
    started_at: str
    start_epoch: int
    duration_seconds: int
    volume_uplink_bytes: int
    volume_downlink_bytes: int
    serving_network: str
    partner: str | None
    rating_group: str | None

    @property
    def volume_bytes(self) -> int:
        """What went up and down."""
        return self.volume_uplink_bytes + self.volume_downlink_bytes

    @property
    def caller(self) -> str:
        """The number that called."""
        return (self.identifier if self.direction == "outgoing" else self.other_number) or ""

    @property
    def called(self) -> str:
        """The number that was called."""
        return (self.other_number if self.direction == "outgoing" else self.identifier) or ""

    @property
    def clock(self) -> str:
        """The reading of the clock on the wall, without its offset."""
        return self.started_at[:19].replace("T", " ")

    @property
    def is_at_home(self) -> bool:
        """Whether the home network served it."""
        return self.serving_network == HOME_NETWORK

    @property
    def is_repeated_reading(self) -> bool:
        """Whether the clock had shown this reading an hour before: without offset it is lost."""
        return datetime.fromtimestamp(self.start_epoch, ZONE).fold == 1

    @property
    def in_utc(self) -> str:
        """The instant in UTC."""
        return datetime.fromtimestamp(self.start_epoch, UTC).isoformat()


@dataclass(frozen=True)
class UsageFile:
    """A file to write: of which node, day and number, and its events in order of their start.

    `seeds` hold the dictionary of the network's records. A file whose format can say so declares
    `declared_beyond` more records than it holds, and that its sender lost `lost_records`.
    """

    node: str
    day: date
    sequence: int
    events: Sequence[Event]
    seeds: Path
    declared_beyond: int = 0
    lost_records: int = 0


@dataclass(frozen=True)
class Writer:
    """A format's writer, named as its reader is.

    `tells` returns what must land of an event that is in a file of the format, nothing where the
    format, or the kind of node that writes it, has no record for it. `write` makes the file; the
    same file has the same bytes.
    """

    format: str
    tells: Callable[[Event], Event | None]
    write: Callable[[UsageFile, Path], None]


def dialled(number: str, turn: int) -> str:
    """Return a number as people dial it, in one of many ways."""
    if number.startswith(CALLING_CODE) and turn % 3:
        return f"0{number[2:5]} {number[5:]}"
    return f"+{number}" if turn % 2 else f"00{number}"


def sessions_of(events: Sequence[Event]) -> Iterator[tuple[Event, ...]]:
    """Yield the data sessions among events, each with its parts in order."""
    data = sorted(
        (event for event in events if event.service == "data"),
        key=lambda event: (event.session_number, event.event_number),
    )
    for _, parts in groupby(data, key=lambda event: event.session_number):
        yield tuple(parts)
