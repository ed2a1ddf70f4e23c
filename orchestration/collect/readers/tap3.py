"""TAP3 files: what a partner's network bills for subscribers abroad (GSMA TD.57).

One element holds the whole file. It is gone through level by level, so that an event is all that
must fit into memory. What events name by codes (UTC offset, recording entity, exchange rate) stands
before them, what they add up to behind them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

from orchestration.collect.readers.ber import BerError, identifier_of, read_element, read_header
from orchestration.collect.readers.ber_stream import (
    LONGEST_ELEMENT,
    LONGEST_HEADER,
    Window,
    have_whole,
    is_over,
    next_header,
    rest_of,
)
from orchestration.collect.readers.dictionary import (
    Dictionary,
    decode,
    field_names,
    read_dictionary,
)
from orchestration.collect.readers.records import (
    BrokenRecord,
    FileFacts,
    Item,
    NativeRecord,
    Reader,
    ReaderOptions,
    RefusedFile,
)

FORMAT: Final = "tap3"
_CONSTRUCTED: Final = 0x20
_TRANSFER, _NOTIFICATION, _EVENTS = (
    identifier_of(tag) | _CONSTRUCTED for tag in ("a1", "a2", "a3")
)
_SUMS: Final = ("charge", "tax", "discount")
_TOTAL_CHARGE: Final = "00"
# Teleservices of short messages, to and from a subscriber (TS 29.002, 17.7.9).
_MESSAGES: Final = ("21", "22")
_TEST_DATA: Final = "T"

_FINISHED: Final[Mapping[str, tuple[str, ...]]] = {
    "sender": (),
    "recipient": (),
    "file_sequence": (),
    "file_identity": (),
    "event_number": (),
    "currency": (),
    "local_currency": (),
    "started_at": ("started_local", "started_offset_code"),
    "session_started_at": ("session_started_local", "session_started_offset_code"),
    "completed_at": ("completed_local", "completed_offset_code"),
    "recording_entity": ("recording_entity_code",),
    "exchange_rate": ("exchange_rate_codes",),
    "charge": (),
    "tax": (),
    "discount": (),
}
"""The fields made of others, and which: the codes looked up, and amounts in the file's currency.
`file_identity` is sender, recipient and sequence number: no other file of theirs has it.

`charge`, `tax` and `discount` are what the event's charges add up to, in whole units of `currency`
with the file's decimals; of charges those of type 00, the total, and the fee of a CAMEL service.
`exchange_rate` is how many units of `local_currency` one of `currency` is, as the file says it.
"""


_AUDITED: Final = ("charge_types", "charges", "single_charge", "camel_fee", "taxes", "discounts")
_OWN: Final = (
    *("sender", "recipient", "file_sequence", "file_type", "local_currency", "currency"),
    *("exchange_rate_codes", "exchange_rate_decimals", "exchange_rates", "decimals"),
    *("offset_codes", "offsets", "entity_codes", "entities", "declared_events"),
    *("charge", "charge_refund", "tax", "tax_refund", "discount", "discount_refund"),
    *("earliest_local", "earliest_offset", "latest_local", "latest_offset", "teleservice"),
)
_NEEDED: Final = frozenset(_AUDITED + _OWN)


@dataclass
class _Batch:
    """What a file says before its events, and what the events seen so far add up to."""

    control: dict[str, str] = field(default_factory=dict)
    accounting: dict[str, str] = field(default_factory=dict)
    audit: dict[str, str] = field(default_factory=dict)
    offsets: dict[str, str] = field(default_factory=dict)
    entities: dict[str, str] = field(default_factory=dict)
    rates: dict[str, str] = field(default_factory=dict)
    decimals: int | None = None
    identity: str = ""
    found: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_SUMS, 0))


def fields(options: ReaderOptions) -> frozenset[str]:
    """Return the fields that the dictionary names, and those made of them."""
    return field_names(options.seeds_dir, FORMAT) | frozenset(_FINISHED)


def _needed(wanted: frozenset[str] | None) -> frozenset[str] | None:
    """Return the fields of the dictionary that the wanted ones and the file's own facts need."""
    if wanted is None:
        return None
    made_of = {one for name in wanted for one in _FINISHED.get(name, ())}
    return wanted | made_of | _NEEDED


def read(path: Path, options: ReaderOptions) -> Iterator[Item]:
    """Yield the events of a file, then what it says of itself.

    Where the file ends early or its framing is lost, the rest of it is one broken record.
    """
    dictionary = read_dictionary(options.seeds_dir, FORMAT, _needed(options.wanted))
    with path.open("rb") as stream:
        window = Window(stream)
        identifier, start, length = _file_header(window)
        batch = _Batch()
        if identifier == _NOTIFICATION:
            if length is not None and start + length > LONGEST_ELEMENT:
                raise RefusedFile("not_tap3", f"a notification of {length} octets")
            window.fill(LONGEST_ELEMENT)
            try:
                _note(_one(window.data, 0, dictionary), batch)
            except BerError as error:
                raise RefusedFile(error.rule, f"{error}, in a notification") from None
        else:
            window.skip(start)
            yield from _transfer(
                window, None if length is None else start + length, dictionary, batch
            )
        yield _facts(batch)


def _file_header(window: Window) -> tuple[int, int, int | None]:
    window.fill(LONGEST_HEADER)
    try:
        header = read_header(window.data, 0, len(window.data))
    except BerError as error:
        raise RefusedFile("not_tap3", f"the file begins with no element: {error}") from None
    if header[0] not in (_TRANSFER, _NOTIFICATION):
        raise RefusedFile("not_tap3", "the file is neither a transfer batch nor a notification")
    return header


def _transfer(
    window: Window, end: int | None, dictionary: Dictionary, batch: _Batch
) -> Iterator[Item]:
    """Yield the events of a transfer batch, its other elements noted."""
    number = 0
    try:
        while not is_over(window, end):
            identifier, start, length = next_header(window)
            if identifier == _EVENTS:
                window.skip(start)
                events_end = None if length is None else window.position + length
                while not is_over(window, events_end):
                    size = have_whole(window)
                    data, at, position = window.data, window.at, window.position
                    number += 1
                    for record in decode(data, at, at + size, number, position, dictionary):
                        if isinstance(record, NativeRecord):
                            _finish(record, batch)
                        yield record
                    window.skip(size)
                if events_end is None:
                    window.skip(2)
            else:
                size = have_whole(window)
                part = window.data[window.at : window.at + size]
                if identifier in dictionary.types:
                    _note(_one(part, window.position, dictionary), batch)
                window.skip(size)
    except BerError as error:
        if not batch.control:
            raise RefusedFile(error.rule, f"{error}, before the batch is known") from None
        reason = f"{error}; from here on nothing of the file is read"
        yield BrokenRecord(number + 1, window.position, error.rule, reason, rest_of(window))
        return
    if end is None:
        window.skip(2)
    rest = rest_of(window)
    if rest.strip(b"\0"):
        reason = "octets behind the end of the batch"
        yield BrokenRecord(number + 1, window.position, "octets_behind_file", reason, rest)


def _one(data: bytes, position: int, dictionary: Dictionary) -> dict[str, str]:
    """Return the values of one of the file's own elements."""
    end = read_element(data, 0, len(data))[3]
    (record,) = decode(data, 0, end, 0, position, dictionary)
    if isinstance(record, BrokenRecord):
        raise BerError(record.rule, record.reason, 0)
    return dict(record.fields)


def _note(values: dict[str, str], batch: _Batch) -> None:
    """Keep what one of the file's own elements says."""
    kind = values["record_type"]
    if kind in ("tap_batch_control", "tap_notification"):
        batch.control = values
        told = (values.get(name, "?") for name in ("sender", "recipient", "file_sequence"))
        batch.identity = "-".join(told)
    elif kind == "tap_accounting":
        batch.accounting = values
        decimals = values.get("decimals", "")
        batch.decimals = int(decimals) if decimals.isdecimal() and int(decimals) <= 12 else None
        rates = _listed(values, "exchange_rates")
        for code, rate, places in zip(
            _listed(values, "exchange_rate_codes"),
            rates,
            _listed(values, "exchange_rate_decimals"),
            strict=False,
        ):
            if rate.isdecimal() and places.isdecimal() and int(places) <= 12:
                batch.rates[code] = _scaled(int(rate), int(places))
    elif kind == "tap_network":
        batch.offsets = _by_code(values, "offset_codes", "offsets")
        batch.entities = _by_code(values, "entity_codes", "entities")
    elif kind == "tap_audit":
        batch.audit = values


def _listed(values: Mapping[str, str], name: str) -> list[str]:
    return values[name].split(",") if name in values else []


def _by_code(values: Mapping[str, str], codes: str, texts: str) -> dict[str, str]:
    """Return texts by their codes; none where one of a pair is missing somewhere."""
    keys, found = _listed(values, codes), _listed(values, texts)
    return dict(zip(keys, found, strict=True)) if len(keys) == len(found) else {}


def _scaled(number: int, decimals: int) -> str:
    """Return a whole number of the smallest units as an exact decimal."""
    digits = str(abs(number)).rjust(decimals + 1, "0")
    cut = len(digits) - decimals
    text = f"{digits[:cut]}.{digits[cut:]}" if decimals else digits
    return f"-{text}" if number < 0 else text


# Events


def _finish(record: NativeRecord, batch: _Batch) -> None:
    """Add to an event's fields what its codes stand for, and what its charges add up to."""
    values = record.fields
    assert isinstance(values, dict)  # noqa: S101 - `decode` made it
    control, accounting = batch.control, batch.accounting
    for name, source in (("sender", control), ("recipient", control), ("file_sequence", control)):
        if name in source:
            values[name] = source[name]
    for name in ("currency", "local_currency"):
        if name in accounting:
            values[name] = accounting[name]
    values["file_identity"] = batch.identity
    values["event_number"] = str(record.record_number)
    if values.get("teleservice") in _MESSAGES:
        values["service"] = "sms"
    for name in ("started", "session_started", "completed"):
        local = values.get(f"{name}_local")
        if local is not None:
            values[f"{name}_at"] = _instant(local, values.get(f"{name}_offset_code", ""), batch)
    code = values.get("recording_entity_code")
    if code in batch.entities:
        values["recording_entity"] = batch.entities[code]
    codes = values.get("exchange_rate_codes")
    if codes is not None:
        rates = {batch.rates.get(one, "") for one in codes.split(",")}
        if len(rates) == 1 and "" not in rates:
            values["exchange_rate"] = rates.pop()
    _add_up(values, batch)


def _instant(local: str, code: str, batch: _Batch) -> str:
    """Return local time with the offset that a code stands for; without one, the reason why."""
    clock = local
    if len(local) == 14 and local.isdecimal():
        clock = f"{local[:4]}-{local[4:6]}-{local[6:8]}T{local[8:10]}:{local[10:12]}:{local[12:]}"
    offset = batch.offsets.get(code, "")
    if len(offset) == 5:
        return f"{clock}{offset[:3]}:{offset[3:]}"
    return f"{clock} at an unknown offset {code}"


def _add_up(values: dict[str, str], batch: _Batch) -> None:
    """Add an event's amounts to the file's, and to the event's own fields."""
    types, charges = values.get("charge_types"), values.get("charges")
    try:
        sums: dict[str, int | None] = dict.fromkeys(_SUMS)
        if types == _TOTAL_CHARGE and charges is not None:
            sums["charge"] = int(charges)
        elif types is not None and charges is not None:
            pairs = zip(types.split(","), charges.split(","), strict=True)
            sums["charge"] = sum(int(charge) for kind, charge in pairs if kind == _TOTAL_CHARGE)
        for name in ("single_charge", "camel_fee"):
            if name in values:
                sums["charge"] = (sums["charge"] or 0) + int(values[name])
        for name, listed in (("tax", "taxes"), ("discount", "discounts")):
            if listed in values:
                sums[name] = sum(int(one) for one in values[listed].split(","))
    except ValueError:
        return  # An amount that is none, or charges without their types: nothing can be added up.
    for name, amount in sums.items():
        if amount is not None:
            batch.found[name] += amount
            if batch.decimals is not None:
                values[name] = _scaled(amount, batch.decimals)


# The file's own facts


def _facts(batch: _Batch) -> FileFacts:
    """Return what the file says of itself.

    `totals` has `charge`, `tax`, `discount` and their refunds as the audit states them, and as
    `charge_found`, `tax_found` and `discount_found` what the events add up to.
    """
    control, audit = batch.control, batch.audit
    totals = {}
    decimals = batch.decimals or 0
    for name in _SUMS:
        for stated in (name, f"{name}_refund"):
            text = audit.get(stated, "")
            if text.removeprefix("-").isdecimal():
                totals[stated] = Decimal(int(text)).scaleb(-decimals)
        if name in totals or batch.found[name]:
            totals[f"{name}_found"] = Decimal(batch.found[name]).scaleb(-decimals)
    sequence, events = control.get("file_sequence", ""), audit.get("declared_events", "")
    return FileFacts(
        node_id=f"{control.get('sender', '?')}>{control.get('recipient', '?')}",
        file_sequence=int(sequence) if sequence.isdecimal() else None,
        declared_records=int(events) if events.isdecimal() else None,
        opened_at=_utc(audit, "earliest"),
        closed_at=_utc(audit, "latest"),
        totals=totals,
        is_test=control.get("file_type") == _TEST_DATA,
    )


def _utc(values: Mapping[str, str], name: str) -> datetime | None:
    local, offset = values.get(f"{name}_local", ""), values.get(f"{name}_offset", "")
    try:
        found = datetime.strptime(f"{local}{offset}", "%Y%m%d%H%M%S%z")
    except ValueError:
        return None
    shift = found.utcoffset()
    return found.replace(tzinfo=None) - shift if shift is not None else None


TAP3: Final = Reader(
    FORMAT,
    "roaming files of partners (TAP3, GSMA TD.57): calls, messages, data and services abroad, with"
    " the partner's charges, and its audit of the file",
    read,
    fields,
)
