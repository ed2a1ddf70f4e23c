"""NRTRDE files: what a partner's network reports of our subscribers abroad within hours (TD.35).

They tell of the same calls that come again in TAP3, days later and with prices: to see a spike
before the bill does, never to bill. One element holds the file, as in TAP3; the fields of its
events are the columns of `roaming_reports`, so that no mapping is needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from orchestration.collect.readers.ber import BerError, identifier_of, read_element, read_header
from orchestration.collect.readers.ber_stream import (
    LONGEST_HEADER,
    Window,
    have_whole,
    is_over,
    next_header,
    rest_of,
)
from orchestration.collect.readers.dictionary import Dictionary, decode, read_dictionary
from orchestration.collect.readers.records import (
    BrokenRecord,
    FileFacts,
    Item,
    NativeRecord,
    Reader,
    ReaderOptions,
    RefusedFile,
)

FORMAT: Final = "nrtrde"
ENTITY: Final = "roaming_reports"
FIELDS: Final = frozenset(
    (
        *("sender", "service", "direction", "imsi", "other_number", "started_at"),
        *("duration_seconds", "volume_bytes", "charge_units", "recording_entity"),
        "call_reference",
    )
)
_CONSTRUCTED: Final = 0x20
_FILE, _EVENTS = (identifier_of(tag) | _CONSTRUCTED for tag in ("a1", "a2"))
# Teleservices of short messages, to and from a subscriber (TS 29.002, 17.7.9).
_MESSAGES: Final = ("21", "22")


def read(path: Path, options: ReaderOptions) -> Iterator[Item]:
    """Yield the events of a file, then what it says of itself.

    Where the file ends early or its framing is lost, the rest of it is one broken record.
    """
    dictionary = read_dictionary(options.seeds_dir, FORMAT)
    with path.open("rb") as stream:
        window = Window(stream)
        window.fill(LONGEST_HEADER)
        try:
            identifier, start, length = read_header(window.data, 0, len(window.data))
        except BerError as error:
            raise RefusedFile("not_nrtrde", f"the file begins with no element: {error}") from None
        if identifier != _FILE or _FILE not in dictionary.types:
            raise RefusedFile("not_nrtrde", "the file is no NRTRDE file")
        window.skip(start)
        told: dict[str, str] = {}
        yield from _events(window, None if length is None else start + length, dictionary, told)
        yield _facts(told)


def _events(
    window: Window, end: int | None, dictionary: Dictionary, told: dict[str, str]
) -> Iterator[Item]:
    """Yield the events of the file; what stands beside them is `told`."""
    number = 0
    try:
        while not is_over(window, end):
            identifier, start, length = next_header(window)
            if identifier != _EVENTS:
                size = have_whole(window)
                _note(window.data[window.at : window.at + size], dictionary, told)
                window.skip(size)
                continue
            window.skip(start)
            events_end = None if length is None else window.position + length
            while not is_over(window, events_end):
                size = have_whole(window)
                data, at, position = window.data, window.at, window.position
                number += 1
                for record in decode(data, at, at + size, number, position, dictionary):
                    if isinstance(record, NativeRecord):
                        record = record._replace(fields=_finished(record.fields, told))
                    yield record
                window.skip(size)
            if events_end is None:
                window.skip(2)
    except BerError as error:
        if not told:
            raise RefusedFile(error.rule, f"{error}, before the sender is known") from None
        reason = f"{error}; from here on nothing of the file is read"
        yield BrokenRecord(number + 1, window.position, error.rule, reason, rest_of(window))
        return
    if end is None:
        window.skip(2)
    rest = rest_of(window)
    if rest.strip(b"\0"):
        reason = "octets behind the end of the file's element"
        yield BrokenRecord(number + 1, window.position, "octets_behind_file", reason, rest)


def _note(element: bytes, dictionary: Dictionary, told: dict[str, str]) -> None:
    """Keep what an element beside the events says, if the dictionary names it."""
    identifier, begin, stop, _ = read_element(element, 0, len(element))
    named = dictionary.types[_FILE].tags.values.get(identifier)
    if named is not None:
        name, codec = named
        try:
            told[name] = codec(element[begin:stop])
        except ValueError:
            told[name] = ""


def _finished(values: Mapping[str, str], told: Mapping[str, str]) -> dict[str, str]:
    """Return an event's fields as the columns that they are; a quantity not told is none."""
    found = {name: values[name] for name in FIELDS if name in values}
    if told.get("sender"):
        found["sender"] = told["sender"]
    if values.get("teleservice") in _MESSAGES:
        found["service"] = "sms"
    local = values.get("started_local", "")
    if local:
        found["started_at"] = _instant(local, values.get("offset") or told.get("offset", ""))
    volumes = [values.get(name) for name in ("volume_incoming_bytes", "volume_outgoing_bytes")]
    given = [one for one in volumes if one is not None]
    # What is no number stands as it is, so that it is rejected by name.
    wrong = [one for one in given if not one.isdecimal()]
    found["volume_bytes"] = wrong[0] if wrong else str(sum(map(int, given)))
    found.setdefault("duration_seconds", "0")
    return found


def _instant(local: str, offset: str) -> str:
    clock = local
    if len(local) == 14 and local.isdecimal():
        clock = f"{local[:4]}-{local[4:6]}-{local[6:8]}T{local[8:10]}:{local[10:12]}:{local[12:]}"
    return f"{clock}{offset[:3]}:{offset[3:]}" if len(offset) == 5 else f"{clock}{offset}"


def _facts(told: Mapping[str, str]) -> FileFacts:
    sequence, events = told.get("file_sequence", ""), told.get("declared_events", "")
    return FileFacts(
        node_id=f"{told.get('sender', '?')}>{told.get('recipient', '?')}",
        file_sequence=int(sequence) if sequence.isdecimal() else None,
        declared_records=int(events) if events.isdecimal() else None,
        closed_at=_utc(told.get("available_local", "") + told.get("offset", "")),
    )


def _utc(text: str) -> datetime | None:
    try:
        found = datetime.strptime(text, "%Y%m%d%H%M%S%z")
    except ValueError:
        return None
    shift = found.utcoffset()
    return found.replace(tzinfo=None) - shift if shift is not None else None


NRTRDE: Final = Reader(
    FORMAT,
    "near-real-time reports of partners (NRTRDE, GSMA TD.35): calls, messages and data of our"
    " subscribers abroad, hours after they were made; never billed",
    read,
    lambda _: FIELDS,
    ENTITY,
)
