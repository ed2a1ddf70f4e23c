"""Counters in Nokia's OMeS files, as NetAct writes them, plain or gzipped.

A `PMSetup` is a start and an interval in minutes; each `PMMOResult` in it names its measured object
(`MO`: a `DN`, or a `baseId` with a `localMoid`; several of other dimensions are one object
together), and each element of a target (`PMTarget`, `NE-WBTS_1.0`) is a counter by its name. `node`
is the first part of the name behind the network's.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from orchestration.collect.readers.counters import (
    ENTITY,
    FIELDS,
    MOST_VALUES,
    Found,
    Period,
    Value,
    in_utc,
    instant,
    period,
)
from orchestration.collect.readers.records import FileFacts, Item, Reader, ReaderOptions
from orchestration.collect.readers.xml_stream import parse_elements

FORMAT: Final = "omes"
_ROOT: Final = "OMeS"
_NETWORK: Final = "PLMN-"
_LOCAL: Final = "DN:"


def read(path: Path, _options: ReaderOptions) -> Iterator[Item]:
    """Yield a record per counter and measured object, and what the file says of itself."""
    yield from parse_elements(path, _Handler())


def node_of(name: str) -> str:
    """Return the network element in a distinguished name like PLMN-PLMN/MRBTS-7/LNBTS-7."""
    parts = name.split("/")
    if len(parts) > 1 and parts[0].startswith(_NETWORK):
        return parts[1]
    return parts[0]


class _Handler:
    """What is known at a place of the file: the period, the object and the values so far."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.is_known = False
        self._found = Found(self.items)
        self._path: list[str] = []
        self._period: Period | None = None
        self._opened_at: datetime | None = None
        self._nodes: set[str] = set()
        self._names: list[str] = []
        self._base = self._local = ""
        self._values: list[Value] = []
        self._line = 0

    @property
    def count(self) -> int:
        return self._found.count

    def start(self, name: str, attributes: dict[str, str], line: int) -> None:
        self._path.append(name)
        self._line = line
        if name == "PMSetup":
            started_at = instant(attributes.get("startTime", ""))
            minutes = attributes.get("interval", "")
            is_count = minutes.isascii() and minutes.isdigit() and len(minutes) <= 5
            self._period = period(started_at, 60 * int(minutes) if is_count else None)
            if started_at and (self._opened_at is None or started_at < self._opened_at):
                self._opened_at = started_at
        elif name == "PMMOResult":
            self._names, self._values = [], []
        elif name == "MO":
            self._base = self._local = ""
        elif name == _ROOT:
            self.is_known = True

    def end(self, name: str, text: str) -> None:
        self._path.pop()
        within = self._path[-1] if self._path else ""
        if within == "MO":
            self._name(name, text.strip())
        elif name == "MO":
            if self._base or self._local:
                local = self._local.removeprefix(_LOCAL)
                self._names.append("/".join(part for part in (self._base, local) if part))
        elif name == "PMMOResult":
            self._take()
        elif self._path[-2:-1] == ["PMMOResult"]:
            if len(self._values) < MOST_VALUES:
                self._values.append(Value(name, text.strip(), self._line))
            else:
                reason = f"a measured object has more than {MOST_VALUES} values"
                self._found.add_broken(self._line, "too_many_values", reason, text)

    def _name(self, name: str, text: str) -> None:
        if name == "DN" and text:
            self._names.append(text)
        elif name == "baseId":
            self._base = text
        elif name == "localMoid":
            self._local = text

    def _take(self) -> None:
        element = self._names[0] if self._names else ""
        node = node_of(element)
        # More are not counted: it is only asked whether there is one.
        if len(self._nodes) < 2:
            self._nodes.add(node)
        places = {"node": node, "element": element, "measured_object": " ".join(self._names)}
        self._found.add(places, self._period, self._values, suspect=False)
        self._names, self._values = [], []

    def close(self) -> None:
        node = next(iter(self._nodes)) if len(self._nodes) == 1 else None
        self.items.append(FileFacts(node_id=node, opened_at=in_utc(self._opened_at)))


OMES = Reader(
    FORMAT,
    "Counters in Nokia's OMeS files, as NetAct writes them; also gzipped.",
    read,
    lambda _: FIELDS,
    ENTITY,
)
