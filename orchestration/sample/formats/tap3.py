"""TAP3 files (GSMA TD.57): what a partner's network bills for our subscribers, or a notification.

Amounts are in thousandths of a euro: a price for each begun minute, message and megabyte, which the
audit adds up.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from orchestration.sample.formats.ber import constructed, element, read_encoders
from orchestration.sample.formats.events import Event, UsageFile, Writer

RECIPIENT: Final = "DEUNW"
_TRANSFER, _EVENTS = constructed("a1"), constructed("a3")
_SPECIFICATION, _RELEASE, _DECIMALS = "3", "12", "3"
_PER_MINUTE, _PER_MESSAGE, _PER_MEGABYTE = 150, 60, 5
_MEGABYTE: Final = 1_000_000
# Teleservices (TS 29.002, 17.7.9).
_TELEPHONY, _MESSAGE_IN, _MESSAGE_OUT = "11", "21", "22"


def tells(event: Event) -> Event | None:
    """Return an event in a partner's network; it is numbered by its file."""
    if event.partner is None:
        return None
    return event._replace(record_id=None, rating_group=None)


def write(file: UsageFile, path: Path) -> None:
    """Write a transfer batch of the node, which is a partner; without events, a notification."""
    encoders = read_encoders(file.seeds)
    local = f"{file.day:%Y%m%d}235959"
    control = [
        *(("sender", file.node), ("recipient", RECIPIENT)),
        *(("file_sequence", f"{file.sequence:05d}"), ("available_local", local)),
        *(("available_offset", "+0000"), ("specification", _SPECIFICATION)),
        ("release", _RELEASE),
    ]
    if not file.events:
        path.write_bytes(encoders["tap_notification"].encode(control))
        return
    offsets = {event.started_at[19:]: "" for event in file.events}
    codes = {offset: str(code) for code, offset in enumerate(sorted(offsets))}
    network: list[tuple[str, str]] = []
    for offset, code in codes.items():
        network += [("offset_codes", code), ("offsets", offset.replace(":", ""))]
    network += [("entity_codes", "1"), ("entity_types", "1"), ("entities", f"{file.node}-MSC")]
    events = b"".join(
        encoders[_record_type(event)].encode(_values(event, codes)) for event in file.events
    )
    path.write_bytes(
        element(
            _TRANSFER,
            encoders["tap_batch_control"].encode(control)
            + encoders["tap_accounting"].encode(
                [
                    *(("local_currency", "EUR"), ("currency", "EUR")),
                    *(("exchange_rate_codes", "1"), ("exchange_rate_decimals", "0")),
                    *(("exchange_rates", "1"), ("decimals", _DECIMALS)),
                ]
            )
            + encoders["tap_network"].encode(network)
            + element(_EVENTS, events)
            + encoders["tap_audit"].encode(_audit(file)),
        )
    )


def _record_type(event: Event) -> str:
    return "tap_data" if event.service == "data" else f"tap_voice_{event.direction}"


def _stamp(event: Event) -> str:
    return "".join(one for one in event.started_at[:19] if one.isdecimal())


def _values(event: Event, codes: dict[str, str]) -> list[tuple[str, str]]:
    """Return an event's values, in the order of the definition."""
    started = [
        ("started_local", _stamp(event)),
        ("started_offset_code", codes[event.started_at[19:]]),
        ("duration_seconds", str(event.duration_seconds)),
    ]
    served = [("imsi", event.imsi), ("msisdn", event.identifier)]
    charged = [("charge_types", "00"), ("charges", str(charge_of(event)))]
    if event.service == "data":
        return [
            *(*served, ("access_point", "internet"), *started),
            *(("charging_id", str(event.session_number)), ("recording_entity_code", "1")),
            ("volume_incoming_bytes", str(event.volume_uplink_bytes)),
            ("volume_outgoing_bytes", str(event.volume_downlink_bytes)),
            *(("charged_items", "X"), ("exchange_rate_codes", "1"), *charged),
        ]
    number = {
        ("voice", "outgoing"): "called_number",
        ("sms", "outgoing"): "sms_destination",
    }.get((event.service, event.direction), "calling_number")
    other = [(number, event.other_number)] if event.other_number else []
    teleservice, item = _TELEPHONY, "D"
    if event.service == "sms":
        teleservice = _MESSAGE_OUT if event.direction == "outgoing" else _MESSAGE_IN
        item = "E"
    return [
        *(*served, *other, *started, ("recording_entity_code", "1")),
        *(("teleservice", teleservice), ("charged_items", item)),
        *(("exchange_rate_codes", "1"), *charged),
    ]


def charge_of(event: Event) -> int:
    """Return what the partner charges, in thousandths of a euro without tax."""
    if event.service == "data":
        return -(-event.volume_bytes // _MEGABYTE) * _PER_MEGABYTE
    if event.service == "sms":
        return _PER_MESSAGE
    return -(-event.duration_seconds // 60) * _PER_MINUTE


def _audit(file: UsageFile) -> list[tuple[str, str]]:
    """Return what the events add up to."""
    first, last = file.events[0], file.events[-1]
    return [
        *(("earliest_local", _stamp(first)), ("earliest_offset", _offset(first))),
        *(("latest_local", _stamp(last)), ("latest_offset", _offset(last))),
        ("charge", str(sum(map(charge_of, file.events)))),
        *(("tax", "0"), ("discount", "0")),
        ("declared_events", str(len(file.events) + file.declared_beyond)),
    ]


def _offset(event: Event) -> str:
    return event.started_at[19:].replace(":", "")


TAP3 = Writer("tap3", tells, write)
