"""FreeSWITCH: `mod_cdr_csv` in its default template, and `mod_xml_cdr`."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote_plus
from xml.sax.saxutils import escape

from orchestration.sample.formats.events import Event, UsageFile, Writer, dialled

_CONTEXTS = {"outgoing": "default", "incoming": "public"}
# The switch's view: what a subscriber dials comes in.
_DIRECTIONS = {"outgoing": "inbound", "incoming": "outbound"}


def tells_csv(event: Event) -> Event | None:
    """Return a call at home that lasted; times have no offset."""
    return None if event.is_repeated_reading else tells_xml(event)


def tells_xml(event: Event) -> Event | None:
    """Return a call at home that lasted: one of no second counts as not answered."""
    if event.service != "voice" or not event.is_at_home or not event.duration_seconds:
        return None
    return event._replace(rating_group=None)


def write_csv(file: UsageFile, path: Path) -> None:
    """Write a row per call, and one beside it that nobody answered."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\n")
        for event in file.events:
            turn, clock = event.event_number, event.clock
            caller, called = dialled(event.caller, turn), dialled(event.called, turn)
            lasted = timedelta(seconds=event.duration_seconds)
            ended = str(datetime.fromisoformat(clock) + lasted)
            for uuid, answer, end, seconds in (
                (event.record_id, clock, ended, event.duration_seconds),
                (f"{event.record_id}-tried", "", clock, 0),
            ):
                rows.writerow(
                    (
                        *("A", caller, called, _CONTEXTS[event.direction], clock, answer, end),
                        *(seconds + 5, seconds, "NORMAL_CLEARING", uuid, "", "", "PCMA", "PCMA"),
                    )
                )


def write_xml(file: UsageFile, path: Path) -> None:
    """Write one `<cdr>` behind the other, values URL-encoded."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        for event in file.events:
            turn = event.event_number
            variables = {
                "uuid": event.record_id or "",
                "direction": _DIRECTIONS[event.direction],
                "answer_epoch": str(event.start_epoch),
                "billsec": str(event.duration_seconds),
                "sip_full_from": f'"Ann & Co" <sip:{event.caller}@pbx>',
            }
            encoded = "".join(
                f"<{name}>{escape(quote_plus(value))}</{name}>" for name, value in variables.items()
            )
            caller, called = (
                quote_plus(dialled(number, turn)) for number in (event.caller, event.called)
            )
            stream.write(
                f'<?xml version="1.0"?>\n<cdr core-uuid="c0de"><variables>{encoded}</variables>'
                "<callflow><caller_profile>"
                f"<caller_id_number>{caller}</caller_id_number>"
                f"<destination_number>{called}</destination_number>"
                "</caller_profile></callflow></cdr>\n"
            )


FREESWITCH_CSV = Writer("freeswitch_csv", tells_csv, write_csv)
FREESWITCH_XML = Writer("freeswitch_xml", tells_xml, write_xml)
