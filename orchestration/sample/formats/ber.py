"""Writing BER by the dictionary of network records: definite lengths, the readers' inverse.

ITU-T X.690: identifier octets (8.1.2), definite length in as few octets as it needs (8.1.3). What
is written is told by fields, in order: `cdr_fields` says by which path of tags each is reached and
how its text becomes octets.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from orchestration.collect.readers.ber import as_constructed, identifier_of
from orchestration.collect.readers.dictionary import FIELDS, RECORDS
from orchestration.sample.formats.codecs import ENCODINGS, Encoding

_SHORT: Final = 0x80

# An element in the making: its identifier octets, and its contents or the elements within.
_Node = tuple[bytes, "bytes | list[_Node]"]


@dataclass(frozen=True)
class RecordEncoder:
    """A record type's own tag, and per field the way to it, its last tag and its encoding."""

    tag: bytes
    fields: Mapping[str, tuple[tuple[bytes, ...], bytes, Encoding]]

    def encode(self, values: Iterable[tuple[str, str]]) -> bytes:
        """Return a record with these values: (field, text as the reader returns it), in order.

        A value whose element is there already begins another element beside the one that holds it:
        that is how lists are told, such as the containers of a record.
        """
        root: list[_Node] = []
        for name, text in values:
            way, last, encoding = self.fields[name]
            level = root
            for number, step in enumerate(way):
                level = _level(level, step, last if number == len(way) - 1 else b"")
            level.append((last, encoding(text)))
        return element(self.tag, _contents(root))


def _level(level: list[_Node], step: bytes, last: bytes) -> list[_Node]:
    """Return what is within the newest element `step`; a new one if it has a `last` already."""
    for identifier, inner in reversed(level):
        if identifier == step and isinstance(inner, list):
            if not last or all(one != last for one, _ in inner):
                return inner
            break
    made: list[_Node] = []
    level.append((step, made))
    return made


def _contents(nodes: list[_Node]) -> bytes:
    return b"".join(
        element(identifier, inner if isinstance(inner, bytes) else _contents(inner))
        for identifier, inner in nodes
    )


def element(identifier: bytes, contents: bytes) -> bytes:
    """Return an element of definite length."""
    return identifier + length_of(len(contents)) + contents


def length_of(size: int) -> bytes:
    """Return length octets: one below 128, else their number and then the length."""
    if size < _SHORT:
        return bytes([size])
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([_SHORT | len(octets)]) + octets


def constructed(step: str) -> bytes:
    """Return the identifier octets of a tag such as `34`, `u16` or `a108` that holds others."""
    return _octets(as_constructed(identifier_of(step)))


def primitive(step: str) -> bytes:
    """Return the identifier octets of a tag that holds a value."""
    return _octets(identifier_of(step))


def _octets(identifier: int) -> bytes:
    return identifier.to_bytes(max(1, (identifier.bit_length() + 7) // 8), "big")


@lru_cache(8)
def read_encoders(seeds: Path) -> Mapping[str, RecordEncoder]:
    """Return an encoder per record type of `cdr_records`.

    A field with several paths (an address of either length) is written by its first, or by the one
    whose first tag stands before its name: `34.volume_uplink_bytes`.
    """
    fields: dict[str, dict[str, tuple[tuple[bytes, ...], bytes, Encoding]]] = {}
    for row in _rows(seeds / FIELDS):
        *way, last = row["tag_path"].split(".")
        reached = (tuple(map(constructed, way)), primitive(last), ENCODINGS[row["codec"]])
        known = fields.setdefault(row["record_type"], {})
        known.setdefault(row["field"], reached)
        known.setdefault(".".join((*way[:1], row["field"])), reached)
    return {
        row["record_type"]: RecordEncoder(
            constructed(row["record_tag"]), fields.get(row["record_type"], {})
        )
        for row in _rows(seeds / RECORDS)
    }


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))
