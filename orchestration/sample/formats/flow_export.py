"""IPFIX messages one behind the other (RFC 5655): a flow of both directions for each session."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from orchestration.sample.formats.events import Event, UsageFile, Writer

DOMAIN: Final = 7
_TEMPLATE_NUMBER: Final = 256
# Element and length; those of the way back have the enterprise of RFC 5103.
_VARIABLE, _REVERSE = 0xFFFF, 29305
_ELEMENTS: Final = ((8, 4), (152, 8), (153, 8), (1, 8), (1, 8, _REVERSE), (61, 1), (371, _VARIABLE))
_PER_MESSAGE: Final = 20


def tells(event: Event) -> Event | None:
    """Return a data session at home; what number a record has depends on its message."""
    if event.service != "data" or not event.is_at_home:
        return None
    return event._replace(record_id=None, rating_group=None)


def write(file: UsageFile, path: Path) -> None:
    """Write the template, then messages of some flows each, numbered by their records."""
    with path.open("wb") as stream:
        exported = max((one.start_epoch + one.duration_seconds for one in file.events), default=0)
        # Each file has a range of its own: a sequence number is never used for another flow.
        sequence = file.sequence * 100_000
        stream.write(_message(exported, sequence, _template()))
        for start in range(0, len(file.events), _PER_MESSAGE):
            events = file.events[start : start + _PER_MESSAGE]
            stream.write(_message(exported, sequence + start, _data(events)))


def _message(exported: int, sequence: int, body: bytes) -> bytes:
    return struct.pack(">HHIII", 10, 16 + len(body), exported, sequence, DOMAIN) + body


def _set(number: int, body: bytes) -> bytes:
    return struct.pack(">HH", number, 4 + len(body)) + body


def _template() -> bytes:
    return _set(2, struct.pack(">HH", _TEMPLATE_NUMBER, len(_ELEMENTS)) + b"".join(_specifiers()))


def _specifiers() -> Iterator[bytes]:
    for element, length, *enterprise in _ELEMENTS:
        if enterprise:
            yield struct.pack(">HHI", element | 0x8000, length, *enterprise)
        else:
            yield struct.pack(">HH", element, length)


def _data(events: Sequence[Event]) -> bytes:
    return _set(_TEMPLATE_NUMBER, b"".join(map(_flow, events)))


def _flow(event: Event) -> bytes:
    begun = event.start_epoch * 1_000
    name = event.identifier.encode()
    address = bytes((10, *struct.pack(">I", event.event_number)[1:]))
    return (
        address
        + struct.pack(">QQ", begun, begun + event.duration_seconds * 1_000)
        + struct.pack(">QQB", event.volume_uplink_bytes, event.volume_downlink_bytes, 0)
        + bytes((len(name),))
        + name
    )


FLOW_EXPORT = Writer("flow_export", tells, write)
