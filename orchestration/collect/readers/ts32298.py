"""Charging records of 3GPP TS 32.298 in BER, one after the other, with padding between them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from orchestration.collect.readers.ber import BerError, read_element
from orchestration.collect.readers.dictionary import decode, field_names, read_dictionary
from orchestration.collect.readers.records import (
    BrokenRecord,
    Item,
    Reader,
    ReaderOptions,
    RefusedFile,
)

FORMAT: Final = "ts32298"
LONGEST_RECORD: Final = 1 << 20
_CHUNK: Final = 4 << 20
_KEPT: Final = 1 << 16
_PADDING: Final = (0x00, 0xFF)


def fields(options: ReaderOptions) -> frozenset[str]:
    """Return the fields that the dictionary names."""
    return field_names(options.seeds_dir, FORMAT)


def read(path: Path, options: ReaderOptions) -> Iterator[Item]:
    """Yield the records of a file of bare records.

    A record of more than `LONGEST_RECORD` octets, and octets that begin no element, cannot be
    passed over safely: what is left of the file is then one broken record, of whose bytes the
    first 65,536 are kept.
    """
    dictionary = read_dictionary(options.seeds_dir, FORMAT, options.wanted)
    with path.open("rb") as stream:
        data, base, at, number, has_more = b"", 0, 0, 0, True
        while True:
            if has_more and len(data) - at < LONGEST_RECORD:
                base, data, at, has_more = _refilled(stream, data, base, at)
            if at == len(data):
                break
            if data[at] in _PADDING:
                at += 1
                continue
            number += 1
            try:
                following = read_element(data, at, min(len(data), at + LONGEST_RECORD))[3]
            except BerError as error:
                if number == 1 and at == 0:
                    raise RefusedFile(
                        "not_ber", f"the file begins with no record: {error}"
                    ) from None
                rest = path.stat().st_size - base - at
                reason = f"{error}; the last {rest} octets of the file"
                yield BrokenRecord(number, base + at, error.rule, reason, data[at : at + _KEPT])
                return
            yield from decode(data, at, following, number, base + at, dictionary)
            at = following
    if not number:
        raise RefusedFile("no_records", "the file holds no record")


def _refilled(stream: BinaryIO, data: bytes, base: int, at: int) -> tuple[int, bytes, int, bool]:
    """Return the window moved on to `at`, with more of the file behind it."""
    more = stream.read(_CHUNK)
    return base + at, data[at:] + more, 0, bool(more)


TS32298: Final = Reader(
    FORMAT,
    "3GPP charging records (TS 32.298, BER), one after the other: voice, messages, roaming legs,"
    " data sessions with a part per container",
    read,
    fields,
)
