"""5G charging data in JSON, as the requests of Nchf_ConvergedCharging have it (3GPP TS 32.291).

A file is an array of records, one record behind the other (a line each, or not), or one record.
A record reports what a session has used since its last report, in containers: each is a usage of
its own, with the rating group it counts for. What is a field is said by the names on the way to
it, joined by dots; `multipleUnitUsage.` and `container.` begin those of the part. A list of values
has them joined by commas, of a list of objects the first counts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

from orchestration.collect.readers.records import (
    BrokenRecord,
    Item,
    NativeRecord,
    Reader,
    ReaderOptions,
    RefusedFile,
)

FORMAT: Final = "chf_json"
LONGEST_RECORD: Final = 524_288
_CHUNK: Final = 1 << 20
_BETWEEN: Final = re.compile(rb"[ \t\r\n,\[\]]*")
_BOM: Final = b"\xef\xbb\xbf"
# A text, whole or not closed on its line; a brace; a line that begins with one.
_TOKEN: Final = re.compile(rb'"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"?|\n(?=\{)|[{}]')

_UNITS: Final = "multipleUnitUsage"
# Releases differ in how they write it.
_USED: Final = ("usedUnitContainer", "UsedUnitContainer")
_ROAMING: Final = "roamingQBCInformation"
_FLOWS: Final = "multipleQFIcontainer"
_SESSION: Final = "pDUSessionChargingInformation"
_INFORMATION: Final = "ChargingInformation"
_NETWORK_FUNCTION: Final = "servingNetworkFunctionInformation.nFPLMNID"
# Where the serving network stands, the closest to the usage first (mcc and mnc are within).
_NETWORKS: Final = (
    f"container.pDUContainerInformation.servingNodeID.{_NETWORK_FUNCTION}",
    f"container.qFIContainerInformation.servingNetworkFunctionID.{_NETWORK_FUNCTION}",
    "container.pDUContainerInformation.userLocationInformation.nrLocation.tai.plmnId",
    "container.pDUContainerInformation.userLocationInformation.eutraLocation.tai.plmnId",
    f"{_SESSION}.pduSessionInformation.servingCNPlmnId",
    f"{_SESSION}.pduSessionInformation.servingNetworkFunctionID.{_NETWORK_FUNCTION}",
    f"{_SESSION}.userLocationinfo.nrLocation.tai.plmnId",
    f"{_SESSION}.userLocationinfo.eutraLocation.tai.plmnId",
)
_GPSIS: Final = (
    f"{_SESSION}.userInformation.servedGPSI",
    "sMSChargingInformation.originatorInfo.originatorGPSI",
)
_SUPI: Final = "subscriberIdentifier"
_MADE: Final[Mapping[str, tuple[str, ...]]] = {
    "msisdn": _GPSIS,
    "imsi": (_SUPI,),
    "serving_network": tuple(f"{way}.{half}" for way in _NETWORKS for half in ("mcc", "mnc")),
    "volume_bytes": tuple(f"container.{one}Volume" for one in ("total", "uplink", "downlink")),
}
"""Fields made of others, beside `charging_information`, `container_kind` and the part's numbers.

`msisdn` and `imsi` are the digits of the GPSI and the SUPI; `serving_network` is MCC and MNC of
the network that served the container, else the session; `volume_bytes` the container's total, else
what went up and down. `charging_information` names what the record is about, such as
`pDUSessionChargingInformation`. Containers per QoS flow (`multipleQFIcontainer`), which partners
settle by, tell the same volumes again: they are parts only where there are no others, else
`other_part_count` counts them. A record without containers has the `part_count` 0.
"""


class _Piece(NamedTuple):
    """What lies at a place of a file: an object, or what is wrong with it."""

    position: int
    content: bytes
    found: Mapping[str, Any] | None
    rule: str = ""
    reason: str = ""


@dataclass(frozen=True)
class _Wanted:
    """The paths that somebody reads, and those on the way to them; `None`: all."""

    paths: frozenset[str] | None

    @classmethod
    def of(cls, names: frozenset[str] | None) -> _Wanted:
        if names is None:
            return cls(None)
        needed = names | {one for name in names for one in _MADE.get(name, ())}
        steps = (name.split(".") for name in needed)
        return cls(
            frozenset(".".join(step[:end]) for step in steps for end in range(1, 1 + len(step)))
        )

    def has(self, path: str) -> bool:
        return self.paths is None or path in self.paths


def read(path: Path, options: ReaderOptions) -> Iterator[Item]:
    """Yield the containers of each record as its parts; a record without any as one.

    A record that is no JSON is broken by itself, up to where its braces are closed or a line
    begins with a brace. What lies between records and is not of an array is a broken record too,
    and so is the end of an array that is not closed. A file that begins with neither is refused.
    """
    wanted, number = _Wanted.of(options.wanted), 0
    with path.open("rb") as stream:
        for piece in split_objects(stream):
            number += 1
            if piece.found is None:
                yield BrokenRecord(number, piece.position, piece.rule, piece.reason, piece.content)
                continue
            try:
                parts = _parts(piece.found, wanted)
            except (TypeError, RecursionError) as error:
                reason = str(error) if isinstance(error, TypeError) else "nested too deep"
                yield BrokenRecord(number, piece.position, "bad_structure", reason, piece.content)
                continue
            for index, fields in enumerate(parts, 1):
                yield NativeRecord(number, piece.position, fields, piece.content, index)


def split_objects(stream: BinaryIO) -> Iterator[_Piece]:
    """Yield the objects of a file and what lies between them, in bounded memory."""
    window, base, at, has_more = b"", 0, 0, True
    text = ""
    is_first, depth = True, 0
    while True:
        if has_more and len(window) - at <= LONGEST_RECORD:
            more = stream.read(_CHUNK)
            base, window, at, has_more = base + at, window[at:] + more, 0, bool(more)
            # An octet is a character here, so that places in the text are places in the file.
            text = window.decode("latin-1")
            continue
        between = _BETWEEN.match(window, at + 3 * (is_first and window.startswith(_BOM)))
        begin = between.end() if between else at
        depth += window.count(b"[", at, begin) - window.count(b"]", at, begin)
        if is_first and window[begin : begin + 1] != b"{" and b"[" not in window[at:begin]:
            raise RefusedFile("not_json", "the file begins with neither { nor [")
        behind, at, is_first = window[at:begin], begin, False
        if at == len(window):
            if has_more:
                continue
            if depth > 0:
                reason = "the file ends within its array: records may be missing"
                yield _Piece(base + at, behind, None, "cut_off", reason)
            return
        piece = _object(text, window, base, at) if window[at] == ord("{") else None
        if piece is None:
            end = window.find(b"{", at)
            content = window[at : end if end >= 0 else len(window)]
            piece = _Piece(base + at, content, None, "unframed", "what lies here is no record")
        yield piece
        at += len(piece.content)


def _constant(name: str) -> str:
    raise ValueError(f"{name} is no JSON")


# Numbers stay as they are written.
_DECODER: Final = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=_constant)


def _object(text: str, window: bytes, base: int, at: int) -> _Piece:
    """Return the object that begins at a place, or as much as is broken of it."""
    try:
        found, end = _DECODER.raw_decode(text, at)
        content = window[at:end]
        if not content.isascii():
            found = _DECODER.decode(content.decode())
    except UnicodeDecodeError:
        return _Piece(base + at, content, None, "not_utf8", "the record is not UTF-8")
    except (ValueError, RecursionError) as error:
        end, rule = _end_of_broken(window, at)
        said = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        return _Piece(base + at, window[at:end], None, rule, f"no JSON: {said}")
    if len(content) > LONGEST_RECORD:
        reason = f"the record is longer than {LONGEST_RECORD} octets"
        return _Piece(base + at, content, None, "record_too_long", reason)
    return _Piece(base + at, content, found)


def _end_of_broken(window: bytes, at: int) -> tuple[int, str]:
    """Return where a broken object ends, and the rule that it breaks."""
    limit = min(len(window), at + LONGEST_RECORD)
    depth = 0
    for token in _TOKEN.finditer(window, at, limit):
        first = token.group()[:1]
        if first == b"\n":
            return token.start(), "cut_off"
        depth += (first == b"{") - (first == b"}")
        if depth == 0:
            return token.end(), "not_json"
    return limit, "cut_off" if limit == len(window) else "record_too_long"


# Records


def _parts(record: Mapping[str, Any], wanted: _Wanted) -> list[dict[str, str]]:
    """Return the fields of each part. Raises `TypeError` where a list or object is none."""
    common: dict[str, str] = {}
    _put(common, {name: one for name, one in record.items() if name != _UNITS}, "", wanted)
    kinds = [name for name in record if name.endswith(_INFORMATION)]
    if kinds:
        common["charging_information"] = _SESSION if _SESSION in kinds else kinds[0]
    used: list[dict[str, str]] = []
    for usage in _objects(record, _UNITS):
        own: dict[str, str] = {}
        rest = {name: one for name, one in usage.items() if name not in _USED}
        _put(own, rest, f"{_UNITS}.", wanted)
        for name in _USED:
            used += [own | one for one in _containers(usage, name, wanted)]
    roaming = record.get(_ROAMING)
    flows = []
    if roaming is not None:
        if not isinstance(roaming, dict):
            raise TypeError(f"{_ROAMING} is no object")
        flows = _containers(roaming, _FLOWS, wanted)
    parts = used or flows
    common["part_count"] = str(len(parts))
    if used and flows:
        common["other_part_count"] = str(len(flows))
    found = []
    for number, part in enumerate(parts or [{}], 1):
        fields = common | part
        if parts:
            fields["part_number"] = str(number)
            fields["container_kind"] = _USED[0] if used else _FLOWS
        _make(fields)
        found.append(fields)
    return found


def _containers(holder: Mapping[str, Any], name: str, wanted: _Wanted) -> list[dict[str, str]]:
    found = []
    for container in _objects(holder, name):
        fields: dict[str, str] = {}
        _put(fields, container, "container.", wanted)
        found.append(fields)
    return found


def _objects(holder: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the objects of a list; one that stands alone is a list of itself."""
    value = holder.get(name)
    if value is None:
        return []
    listed = [value] if isinstance(value, dict) else value
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise TypeError(f"{name} is no list of objects")
    return listed


def _put(fields: dict[str, str], holder: Mapping[str, Any], way: str, wanted: _Wanted) -> None:
    """Add the values within an object by their paths."""
    for name, value in holder.items():
        path = f"{way}{name}"
        if value is None or not wanted.has(path):
            continue
        if isinstance(value, list):
            if value and isinstance(value[0], dict):
                value = value[0]
            else:
                value = ",".join(map(_text, value))
        if isinstance(value, dict):
            _put(fields, value, f"{path}.", wanted)
        elif text := _text(value):
            fields[path] = text


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else ""


def _make(fields: dict[str, str]) -> None:
    """Add the fields that are made of others."""
    for path in _GPSIS:
        if fields.get(path, "").startswith("msisdn-"):
            fields["msisdn"] = fields[path].removeprefix("msisdn-")
            break
    if fields.get(_SUPI, "").startswith("imsi-"):
        fields["imsi"] = fields[_SUPI].removeprefix("imsi-")
    for way in _NETWORKS:
        if f"{way}.mcc" in fields and f"{way}.mnc" in fields:
            fields["serving_network"] = fields[f"{way}.mcc"] + fields[f"{way}.mnc"]
            break
    total, *ways = (fields.get(name, "") for name in _MADE["volume_bytes"])
    # What is no number stands as it is, so that it is rejected by name.
    given = [total] if total else [one for one in ways if one]
    wrong = [one for one in given if not (one.isascii() and one.isdigit() and len(one) <= 20)]
    if given:
        fields["volume_bytes"] = wrong[0] if wrong else str(sum(map(int, given)))


CHF_JSON: Final = Reader(
    FORMAT,
    "5G charging data in JSON (Nchf, TS 32.291), a part per used unit container: fields by the"
    " names on the way to them, and `msisdn`, `imsi`, `serving_network`, `volume_bytes`,"
    " `charging_information`, `part_number`, `part_count`",
    read,
    lambda _: None,
    is_text=True,
)
