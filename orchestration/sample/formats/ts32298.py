"""Charging records of 3GPP TS 32.298 in BER, bare: one behind the other, padding between some."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from orchestration.collect.readers.records import NATIONAL
from orchestration.sample.formats.ber import RecordEncoder, read_encoders
from orchestration.sample.formats.events import CALLING_CODE, Event, UsageFile, Writer, sessions_of

SWITCH_NUMBER: Final = "+491710000000"
SERVICE_CENTRE: Final = "+491710000001"
_CLASSMARK: Final = "33"
# A gateway and what served the session: the first is the P-GW's, the second an S-GW's (type 2).
_GATEWAY, _SERVING, _SERVING_TYPE = "198.51.100.2", "198.51.100.3", "2"
_CHARACTERISTICS: Final = "0800"
# The bit of serviceConditionChange for a bearer that was released.
_RELEASED: Final = "4"
# Records as block-oriented switches write them: every so many, filler up to the block's end.
_BLOCK: Final = 50
_PADDING: Final = b"\xff" * 7


def tells(event: Event) -> Event | None:
    """Return an event at home; a switch does not write who sent a message.

    Abroad the visited network bills, in its own files.
    """
    if not event.is_at_home:
        return None
    other = None if (event.service, event.direction) == ("sms", "incoming") else event.other_number
    return event._replace(record_id=None, other_number=other)


def write(file: UsageFile, path: Path) -> None:
    """Write the records one behind the other."""
    with path.open("wb") as stream:
        for number, record in enumerate(records_of(file), 1):
            stream.write(record)
            if number % _BLOCK == 0:
                stream.write(_PADDING)


def records_of(file: UsageFile) -> Iterator[bytes]:
    """Yield a record per call and message, and one per session with a container for each part."""
    encoders = read_encoders(file.seeds)
    calls = [event for event in file.events if event.service != "data"]
    for event in calls:
        record_type = f"{event.service}_{event.direction}"
        yield encoders[record_type].encode(_switched(record_type, event))
    for parts in sessions_of(file.events):
        yield _session(encoders["data_packet_gateway"], file.node, parts)


def shown(number: str) -> str:
    """Return a number as a switch writes it: international or, at home, in one of three ways."""
    if number.startswith(CALLING_CODE) and number[-1] in "123":
        return f"{NATIONAL}{number[2:]}"
    if number.startswith(CALLING_CODE) and number[-1] in "456":
        return f"0{number[2:]}"
    return f"+{number}"


def _switched(record_type: str, event: Event) -> list[tuple[str, str]]:
    """Return the values of a switch's record."""
    served = [("imsi", event.imsi), ("msisdn", shown(event.identifier))]
    place = [
        *(("recording_entity", SWITCH_NUMBER), ("location_area", "0001"), ("cell", "0001")),
        ("serving_network", event.serving_network),
    ]
    reference = event.event_number.to_bytes(5, "big").hex()
    message = [("ms_classmark", _CLASSMARK), ("service_centre", SERVICE_CENTRE)]
    if record_type == "sms_outgoing":
        return [
            *(("record_type_code", "6"), *served, *message, *place),
            *(("message_reference", reference[-2:]), ("sent_at", event.started_at)),
            ("called_number", f"+{event.other_number}"),
        ]
    if record_type == "sms_incoming":
        return [
            *(("record_type_code", "7"), *served, *message, *place),
            ("delivered_at", event.started_at),
        ]
    other = "called_number" if event.direction == "outgoing" else "calling_number"
    return [
        ("record_type_code", "0" if event.direction == "outgoing" else "1"),
        *(served if event.other_number is None else (*served, (other, shown(event.other_number)))),
        *(*place, ("seized_at", event.started_at), ("answered_at", event.started_at)),
        *(("duration_seconds", str(event.duration_seconds)), ("cause_for_termination", "0")),
        ("call_reference", reference),
    ]


def _session(encoder: RecordEncoder, node: str, parts: Sequence[Event]) -> bytes:
    """Return a session of the packet gateway, closed normally, its parts as service containers."""
    first = parts[0]
    number = str(first.session_number)
    values = [
        *(("record_type_code", "85"), ("imsi", first.imsi), ("gateway_address", _GATEWAY)),
        *(("charging_id", number), ("serving_node_address", _SERVING)),
        *(("access_point", "internet"), ("opened_at", first.started_at)),
        ("duration_seconds", str(sum(part.duration_seconds for part in parts))),
        *(("cause_for_closing", "0"), ("node_id", node), ("local_sequence_number", number)),
        *(("msisdn", shown(first.identifier)), ("serving_network", first.serving_network)),
        *(("charging_characteristics", _CHARACTERISTICS), ("serving_node_type", _SERVING_TYPE)),
    ]
    for part in parts:
        values += [
            *(("rating_group", part.rating_group or ""), ("first_used_at", part.started_at)),
            ("part_duration_seconds", str(part.duration_seconds)),
            ("34.change_condition", _RELEASED),
        ]
        # What no octet was sent for is left out: a missing volume is none.
        for name, volume in (
            ("34.volume_uplink_bytes", part.volume_uplink_bytes),
            ("34.volume_downlink_bytes", part.volume_downlink_bytes),
        ):
            if volume:
                values.append((name, str(volume)))
        ended = datetime.fromisoformat(part.started_at) + timedelta(seconds=part.duration_seconds)
        values.append(("34.reported_at", ended.isoformat()))
    return encoder.encode(values)


TS32298 = Writer("ts32298", tells, write)
