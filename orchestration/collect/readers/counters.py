"""Counters of network elements: what the readers of their formats share.

A record is one counter of one measured object in one granularity period. Its fields are the
columns of `counters`, so that no mapping is needed: what a counter counts is said by the seed
`volume_counters`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, NamedTuple

from orchestration.collect.readers.records import BrokenRecord, Item, NativeRecord

ENTITY: Final = "counters"
FIELDS: Final = frozenset(
    (
        *("node", "element", "measured_object", "counter", "started_at", "period_seconds"),
        *("quantity", "other_value", "is_suspect"),
    )
)
MOST_VALUES: Final = 100_000
_NUMBER: Final = re.compile(r"[-+]?[0-9]{1,40}(?:\.[0-9]{0,40})?(?:[eE][-+]?[0-9]{1,2})?", re.ASCII)
_LARGEST: Final = Decimal(10) ** 22
_STEP: Final = Decimal("0.000001")
_NOT_MEASURED: Final = frozenset(("", "nil", "null", "nan"))
_LONGEST_OTHER: Final = 500


class Value(NamedTuple):
    """A counter's name and the text that stands for it, with the line it stands on."""

    counter: str
    text: str
    line: int


@dataclass(frozen=True)
class Period:
    """A granularity period: its start as text with its offset, and its length."""

    started_at: str
    seconds: int


@dataclass
class Found:
    """The records of a file as they are found, numbered."""

    items: list[Item]
    count: int = 0

    def add(
        self, places: Mapping[str, str], period: Period | None, values: list[Value], suspect: bool
    ) -> None:
        """Add the values of one measured object; `places` are node, element and object."""
        common = dict(places)
        if period:
            common["started_at"] = period.started_at
            common["period_seconds"] = str(period.seconds)
        common["is_suspect"] = "true" if suspect else "false"
        for counter, text, line in values:
            self.count += 1
            fields = common.copy()
            fields["counter"] = counter
            _add_value(fields, text)
            raw = f"{common.get('measured_object', '')} {counter} {text}".encode()
            if period is None:
                reason = "it has no granularity period with an end and a length"
                self.items.append(BrokenRecord(self.count, line, "bad_period", reason, raw))
            else:
                self.items.append(NativeRecord(self.count, line, fields, raw))

    def add_broken(self, line: int, rule: str, reason: str, raw: str) -> None:
        self.count += 1
        self.items.append(BrokenRecord(self.count, line, rule, reason, raw.encode()))


def _add_value(fields: dict[str, str], text: str) -> None:
    """Set the quantity, exact to six decimals; what is no number stands as it is written."""
    if text.isascii() and text.isdigit() and len(text) <= 18:
        fields["quantity"] = text
    elif _NUMBER.fullmatch(text) and abs(number := Decimal(text)) < _LARGEST:
        fields["quantity"] = f"{number.quantize(_STEP, ROUND_HALF_UP):f}"
    elif text.lower() not in _NOT_MEASURED:
        fields["other_value"] = text[:_LONGEST_OTHER]


def instant(text: str) -> datetime | None:
    """Return an instant with its offset; none if the text is none. Nokia's offsets have seconds."""
    shortened = re.sub(r"([+-][0-9]{2}:[0-9]{2}):00$", r"\1", text.strip(), flags=re.ASCII)
    try:
        found = datetime.fromisoformat(shortened)
        return found if found.tzinfo and found.astimezone(UTC) else None
    except (ValueError, OverflowError):
        return None


def in_utc(found: datetime | None) -> datetime | None:
    """Return an instant as landing keeps it: UTC without a time zone."""
    return found.astimezone(UTC).replace(tzinfo=None) if found else None


def period(started_at: datetime | None, seconds: int | None) -> Period | None:
    """Return a period of a whole number of seconds, up to a week."""
    if started_at is None or seconds is None or not 0 < seconds <= 7 * 86_400:
        return None
    return Period(started_at.isoformat(), seconds)


def period_before(ended_at: datetime | None, seconds: int | None) -> Period | None:
    """Return the period that ends at an instant."""
    if ended_at is None or seconds is None or not 0 < seconds <= 7 * 86_400:
        return None
    try:
        return period(ended_at - timedelta(seconds=seconds), seconds)
    except OverflowError:
        return None


_DURATION: Final = re.compile(
    r"P(?:([0-9]{1,3})D)?(?:T(?:([0-9]{1,4})H)?(?:([0-9]{1,5})M)?(?:([0-9]{1,7})(?:\.0*)?S)?)?",
    re.ASCII,
)


def seconds_of(duration: str) -> int | None:
    """Return the seconds of an ISO 8601 duration like PT900S; none if it is none."""
    found = _DURATION.fullmatch(duration.strip())
    if not found:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
