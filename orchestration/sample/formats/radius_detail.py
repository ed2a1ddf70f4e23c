"""RADIUS accounting in FreeRADIUS' detail files: two requests a session, some of them late."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from orchestration.sample.formats.events import ZONE, Event, UsageFile, Writer, dialled

NAS_ADDRESS = "198.51.100.7"
_GIGAWORD = 2**32


def tells(event: Event) -> Event | None:
    """Return a data session at home; RADIUS has neither calls nor rating groups."""
    if event.service != "data" or not event.is_at_home:
        return None
    name = f"{NAS_ADDRESS}-{session_id(event)}-Stop-{event.duration_seconds}"
    return event._replace(record_id=name, rating_group=None)


def session_id(event: Event) -> str:
    """Return what the access server calls a session."""
    return f"{event.event_number:08X}"


def write(file: UsageFile, path: Path) -> None:
    """Write Start and Stop of each session; an interim would be usage of its own."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        for event in file.events:
            stream.writelines(_requests(event))


def _requests(event: Event) -> Iterator[str]:
    delay = event.event_number % 7
    for status, part in (("Start", 0), ("Stop", 1)):
        lasted = event.duration_seconds * part
        received_high, received = divmod(event.volume_uplink_bytes * part, _GIGAWORD)
        sent_high, sent = divmod(event.volume_downlink_bytes * part, _GIGAWORD)
        timestamp = event.start_epoch + lasted + delay
        attributes = {
            "Acct-Status-Type": status,
            "NAS-IP-Address": NAS_ADDRESS,
            "Acct-Session-Id": f'"{session_id(event)}"',
            "Calling-Station-Id": f'"{dialled(event.identifier, event.event_number)}"',
            "Acct-Session-Time": lasted,
            "Acct-Input-Octets": received,
            "Acct-Input-Gigawords": received_high,
            "Acct-Output-Octets": sent,
            "Acct-Output-Gigawords": sent_high,
            "Acct-Delay-Time": delay,
            "Timestamp": timestamp,
        }
        yield f"{datetime.fromtimestamp(timestamp, ZONE):%a %b %e %H:%M:%S %Y}\n"
        yield from (f"\t{name} = {value}\n" for name, value in attributes.items())
        yield "\n"


RADIUS_DETAIL = Writer("radius_detail", tells, write)
