"""A foreign CSV: semicolons, local times, milliseconds, kilobytes, numbers as they were dialled."""

from __future__ import annotations

from pathlib import Path

from orchestration.sample.formats.events import Event, UsageFile, Writer, dialled

HEADER = "id;kind;way;a;b;begin;ms;kb;rest;net;group"


def tells(event: Event) -> Event | None:
    """Return the event, but for a reading of the clock that came twice."""
    return None if event.is_repeated_reading else event


def write(file: UsageFile, path: Path) -> None:
    """Write a line per event; a length that is not whole seconds begins the next one."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        stream.write(f"{HEADER}\n")
        for event in file.events:
            turn = event.event_number
            other = dialled(event.other_number, turn) if event.other_number else ""
            year, month, day = event.clock[:10].split("-")
            whole, rest = divmod(event.volume_bytes, 1_000)
            milliseconds = event.duration_seconds * 1_000 - turn % 2 * bool(event.duration_seconds)
            stream.write(
                f"{event.record_id};{event.service};{event.direction};"
                f"{dialled(event.identifier, turn)};{other};{day}.{month}.{year}"
                f" {event.clock[11:]};{milliseconds};{whole};{rest};{event.serving_network};"
                f"{event.rating_group or ''}\n"
            )


CSV = Writer("csv", tells, write)
