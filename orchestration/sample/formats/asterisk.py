"""Asterisk's `Master.csv`: each call as legs that overlap, beside one that nobody answered."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta
from pathlib import Path

from orchestration.sample.formats.events import Event, UsageFile, Writer, dialled

_CONTEXTS = {"outgoing": "from-internal", "incoming": "from-trunk"}


def tells(event: Event) -> Event | None:
    """Return a call at home; its id goes with number and channel. Times have no offset."""
    if event.service != "voice" or not event.is_at_home or event.is_repeated_reading:
        return None
    name = f"{event.record_id}-{event.other_number}-{unique_id(event)}"
    return event._replace(record_id=name, rating_group=None)


def unique_id(event: Event) -> str:
    """Return what the switch calls a channel of the call."""
    return f"{event.start_epoch}.{event.event_number}"


def write(file: UsageFile, path: Path) -> None:
    """Write the rows of each call: one that nobody answered, and one or two that cover it."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\n")
        for event in file.events:
            turn, lasted, clock = event.event_number, event.duration_seconds, event.clock
            caller, called = dialled(event.caller, turn), dialled(event.called, turn)
            ended = str(datetime.fromisoformat(clock) + timedelta(seconds=lasted))
            legs = [("", clock, 60, "NO ANSWER"), (clock, ended, lasted, "ANSWERED")]
            if lasted > 1:
                legs.append((clock, ended, lasted - 1, "ANSWERED"))
            for leg, (answer, end, seconds, disposition) in enumerate(legs):
                rows.writerow(
                    (
                        *("", caller, called, _CONTEXTS[event.direction], f'"A" <{caller}>'),
                        *("PJSIP/a", "PJSIP/b", "Dial", "PJSIP/b,60", clock, answer, end),
                        *(seconds + 5, seconds, disposition, "DOCUMENTATION"),
                        *(unique_id(event), "", "", event.record_id, leg),
                    )
                )


ASTERISK_CSV = Writer("asterisk_csv", tells, write)
