"""Measurement files of 3GPP TS 32.435, as Ericsson's OSS (ENM) writes them, plain or gzipped.

A `measInfo` has a granularity period and names its counters, either one by one (`measType` and `r`
with the same `p`) or as two lists (`measTypes`, `measResults`); each `measValue` is one measured
object. `element` is the distinguished name of the managed element with the file's prefix, `node`
the name in it: that of its MeContext, else of its ManagedElement, else the last one.
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
    period_before,
    seconds_of,
)
from orchestration.collect.readers.records import FileFacts, Item, Reader, ReaderOptions
from orchestration.collect.readers.xml_stream import parse_elements

FORMAT: Final = "ts32435"
_ROOT: Final = "measCollecFile"
_NAMES: Final = ("MeContext=", "ManagedElement=")


def read(path: Path, _options: ReaderOptions) -> Iterator[Item]:
    """Yield a record per counter and measured object, and what the file says of itself."""
    yield from parse_elements(path, _Handler())


def node_of(element: str) -> str:
    """Return the name of a managed element in its distinguished name."""
    parts = [part.strip() for part in element.split(",")]
    for name in _NAMES:
        for part in reversed(parts):
            if part.startswith(name):
                return part.removeprefix(name)
    return parts[-1].rpartition("=")[2]


class _Handler:
    """What is known at a place of the file: the element, the measInfo and the object it is in."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.is_known = False
        self._found = Found(self.items)
        self._prefix = ""
        self._sender = ""
        self._nodes: set[str] = set()
        self._places: dict[str, str] = {}
        self._opened_at: datetime | None = None
        self._closed_at: datetime | None = None
        self._period: Period | None = None
        self._types: dict[str, str] = {}
        self._listed: list[str] = []
        self._object: dict[str, str] = {}
        self._values: list[Value] = []
        self._is_suspect = False
        self._p = ""
        self._line = 0

    @property
    def count(self) -> int:
        return self._found.count

    def start(self, name: str, attributes: dict[str, str], line: int) -> None:
        if name == "r":
            self._p, self._line = attributes.get("p", ""), line
        elif name == "measValue":
            self._object = {**self._places, "measured_object": attributes.get("measObjLdn", "")}
            self._values, self._is_suspect, self._line = [], False, line
        elif name in ("measType", "measResults"):
            self._p, self._line = attributes.get("p", ""), line
        elif name == "measInfo":
            self._period, self._types, self._listed = None, {}, []
        elif name == "granPeriod":
            ended = instant(attributes.get("endTime", ""))
            self._period = period_before(ended, seconds_of(attributes.get("duration", "")))
        elif name == "managedElement":
            self._enter(attributes.get("localDn", ""))
        elif name == "fileHeader":
            self._prefix = attributes.get("dnPrefix", "")
        elif name == "fileSender":
            self._sender = attributes.get("localDn", "")
            self._enter(self._sender)
            self._nodes.clear()
        elif name == "measCollec":
            self._opened_at = self._opened_at or instant(attributes.get("beginTime", ""))
            self._closed_at = instant(attributes.get("endTime", "")) or self._closed_at
        elif name == _ROOT:
            self.is_known = True

    def _enter(self, local: str) -> None:
        element = ",".join(part for part in (self._prefix, local or self._sender) if part)
        node = node_of(element)
        self._nodes.add(node)
        self._places = {"node": node, "element": element}

    def end(self, name: str, text: str) -> None:
        if name == "r":
            counter = self._types.get(self._p)
            if counter is None:
                reason = f"r has p={self._p[:20]}, for which no measType is there"
                self._found.add_broken(self._line, "no_counter_name", reason, text)
            elif len(self._values) < MOST_VALUES:
                self._values.append(Value(counter, text.strip(), self._line))
            else:
                reason = f"a measured object has more than {MOST_VALUES} values"
                self._found.add_broken(self._line, "too_many_values", reason, text)
        elif name == "measType":
            if len(self._types) < MOST_VALUES:
                self._types[self._p] = text.strip()
        elif name == "measTypes":
            self._listed = text.split()
        elif name == "measResults":
            self._take_list(text)
        elif name == "suspect":
            self._is_suspect = text.strip().lower() in ("true", "1")
        elif name == "measValue":
            self._found.add(self._object, self._period, self._values, self._is_suspect)
            self._values = []

    def _take_list(self, text: str) -> None:
        results = text.split()
        if len(results) != len(self._listed):
            reason = f"{len(results)} results for {len(self._listed)} counters"
            self._found.add_broken(self._line, "value_count", reason, text)
            return
        self._values.extend(
            Value(counter, result, self._line)
            for counter, result in zip(self._listed, results, strict=True)
        )

    def close(self) -> None:
        one = next(iter(self._nodes)) if len(self._nodes) == 1 else None
        sender = node_of(self._sender) if self._sender else None
        self.items.append(
            FileFacts(
                node_id=one or sender,
                opened_at=in_utc(self._opened_at),
                closed_at=in_utc(self._closed_at),
            )
        )


TS32435 = Reader(
    FORMAT,
    "Counters in 3GPP measurement files (TS 32.435), as Ericsson's ENM writes them; also gzipped.",
    read,
    lambda _: FIELDS,
    ENTITY,
)
