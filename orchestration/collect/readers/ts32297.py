"""Files of 3GPP TS 32.297: a header that says what the file holds, and a header for each record."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv6Address
from pathlib import Path
from typing import BinaryIO, Final

from orchestration.collect.readers.dictionary import Dictionary, decode, read_dictionary
from orchestration.collect.readers.records import (
    BrokenRecord,
    FileFacts,
    Item,
    Reader,
    ReaderOptions,
    RefusedFile,
)
from orchestration.collect.readers.ts32298 import FORMAT as RECORD_FORMAT
from orchestration.collect.readers.ts32298 import fields

FORMAT: Final = "ts32297"
_HEADER: Final = struct.Struct(">IIBBIIIIB20sB")
_SHORTEST_HEADER: Final = _HEADER.size + 2
_LONGEST_HEADER: Final = _HEADER.size + 3 * (2 + 0xFFFF)
_RECORD_HEADER: Final = struct.Struct(">HBB")
_LONGEST: Final = 0xFFFF + _RECORD_HEADER.size + 1
_CHUNK: Final = 1 << 20
_NOT_TOLD: Final = 0xFFFFFFFF
_EXTENDED_RELEASE: Final = 7
_BER: Final = 1
_CLOSED_ABNORMALLY: Final = 128


@dataclass(frozen=True)
class Header:
    """What the file's header says (TS 32.297, 6.1.1), lengths in octets."""

    file_length: int
    header_length: int
    record_count: int
    file_sequence: int
    closure_reason: int
    node: bytes
    lost_indicator: int


def read_header(first: bytes, size: int) -> Header:
    """Return the header of a file of `size` octets that begins with `first`.

    Raises `RefusedFile` if these octets cannot be one. Its length is told by itself, since what is
    at its end depends on the release.
    """
    if len(first) < _SHORTEST_HEADER:
        raise RefusedFile("cut_off", f"{size} octets are no header of TS 32.297")
    length, header, _, _, _, _, count, sequence, reason, node, lost = _HEADER.unpack_from(first)
    if not _SHORTEST_HEADER <= header <= min(size, _LONGEST_HEADER):
        raise RefusedFile("bad_header", f"a header of {header} octets in a file of {size}")
    return Header(length, header, count, sequence, reason, node, lost)


def facts_of(header: Header) -> FileFacts:
    """Return what a header says as facts; the times in it have no year, so they are none."""
    lost = header.lost_indicator
    is_exact = lost == 0 or 129 <= lost <= 254
    lost_records = lost - 128 if 129 <= lost <= 254 else min(lost, 127)
    if lost == 128:
        lost_records = 1
    return FileFacts(
        node_id=_node(header.node),
        file_sequence=header.file_sequence,
        declared_records=None if header.record_count == _NOT_TOLD else header.record_count,
        declared_bytes=None if header.file_length == _NOT_TOLD else header.file_length,
        lost_records=lost_records,
        lost_records_are="exact" if is_exact else "at_least",
    )


def _node(octets: bytes) -> str | None:
    """Return the node's address as text, or its 20 octets in hex where they are none."""
    if not any(octets):
        return None
    for address, filler in ((octets[:16], octets[16:]), (octets[4:], octets[:4])):
        if any(address) and not any(filler):
            found = IPv6Address(address)
            return str(found.ipv4_mapped or found)
    return octets.hex()


def read(path: Path, options: ReaderOptions) -> Iterator[Item]:
    """Yield what the header says, then the records of a file.

    A record whose contents are no record of TS 32.298 in BER is broken by itself; one whose header
    reaches beyond the file takes the rest of it along.
    """
    dictionary = read_dictionary(options.seeds_dir, RECORD_FORMAT, options.wanted)
    size = path.stat().st_size
    with path.open("rb") as stream:
        header = read_header(stream.read(_SHORTEST_HEADER), size)
        yield facts_of(header)
        stream.seek(header.header_length)
        yield from _records(stream, header.header_length, dictionary)


def _records(stream: BinaryIO, base: int, dictionary: Dictionary) -> Iterator[Item]:
    """Yield the records that follow the header, at `base` octets from the file's beginning."""
    unpack = _RECORD_HEADER.unpack_from
    data, at, number, has_more = b"", 0, 0, True
    while True:
        left = len(data) - at
        if has_more and left < _LONGEST:
            more = stream.read(_CHUNK)
            base, data, at, has_more = base + at, data[at:] + more, 0, bool(more)
            continue
        if not left:
            return
        if left >= _RECORD_HEADER.size:
            length, release, encoding = unpack(data, at)
            if length in (0, 0xFFFF):
                skipped = _behind_padding(data, at, dictionary)
                if skipped > at:
                    at = skipped
                    continue
            begin = at + (5 if release >> 5 == _EXTENDED_RELEASE else 4)
        elif not data[at:].strip(b"\0") or not data[at:].strip(b"\xff"):
            return
        else:
            length = begin = 1 << 20
        number += 1
        end = begin + length
        if end > len(data):
            reason = f"the file ends {left} octets after this record's beginning"
            yield BrokenRecord(number, base + at, "cut_off", reason, data[at:])
            return
        if encoding >> 5 == _BER:
            yield from decode(data, begin, end, number, base + at, dictionary)
        else:
            reason = f"the record's header says encoding {encoding >> 5}, not {_BER} (BER)"
            raw = data[at:end]
            yield BrokenRecord(number, base + at, "unsupported_encoding", reason, raw)
        at = end


def _behind_padding(data: bytes, at: int, dictionary: Dictionary) -> int:
    """Return where the record behind a run of padding begins; `at` if this is no padding.

    Padding is 0x00 or 0xFF. The first octet of a record's length may be 0x00 itself, so of the two
    places where the record can begin that is taken at which a record's header stands.
    """
    filler = data[at]
    end = at
    while end < len(data) and data[end] == filler:
        end += 1
    if end == len(data):
        return end
    if filler and _is_header(data, at, dictionary):
        return at
    for candidate in (end, end - 1):
        if candidate > at and _is_header(data, candidate, dictionary):
            return candidate
    return end if filler and end - at >= _RECORD_HEADER.size else at


def _is_header(data: bytes, at: int, dictionary: Dictionary) -> bool:
    """Return whether a record's header with a known record behind it stands here."""
    if at + 6 > len(data):
        return False
    length, release, encoding = _RECORD_HEADER.unpack_from(data, at)
    begin = at + (5 if release >> 5 == _EXTENDED_RELEASE else 4)
    known = int.from_bytes(data[begin : begin + 2], "big") in dictionary.types
    known = known or data[begin] in dictionary.types
    return bool(length and encoding >> 5 == _BER and known)


TS32297: Final = Reader(
    FORMAT,
    "3GPP charging files (TS 32.297) of records as in `ts32298`, with sequence number, count of"
    " records and lost-record indicator",
    read,
    fields,
)
