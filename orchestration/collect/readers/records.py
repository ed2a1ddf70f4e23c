"""What a reader gives: native records as text by field, broken records with their bytes, facts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Literal, NamedTuple

# Stands before a telephone number that its record calls national: it has no prefix to tell it by.
NATIONAL = "N"


class NativeRecord(NamedTuple):
    """One record of a file, or one part of a record that holds several usages (containers).

    `record_number` counts the file's records from 1, broken ones included; the parts of a record
    follow each other, have its number and position, and count from 1 in `part`. `position` is where
    the record begins: the line in a text file, the byte in a binary one. `fields` hold text as the
    format has it, in its own units: decoded, nothing converted; an instant that has its offset is
    ISO 8601 with it. A field that the record lacks is absent, not empty. `raw` are the record's own
    bytes, for a person and for replay.

    A tuple, since a large file makes millions of them.
    """

    record_number: int
    position: int
    fields: Mapping[str, str]
    raw: bytes
    part: int = 1


class BrokenRecord(NamedTuple):
    """A record that cannot be decoded: the rule it breaks (`snake_case`), one line why, its bytes.

    One that is framed counts as one record whatever is wrong inside; where the framing itself is
    lost, the rest of the file is one broken record.
    """

    record_number: int
    position: int
    rule: str
    reason: str
    raw: bytes


@dataclass(frozen=True)
class FileFacts:
    """What a file says of itself, in its header, trailer or audit; `None` where it does not say.

    `node_id` says whose sequence `file_sequence` counts (a gateway's address, `SENDER>RECIPIENT`).
    `lost_records` is how many records the sender says were lost, at least or exactly. Instants are
    UTC without a time zone. `totals` are audit totals by name, in the file's own units and
    currency. `is_test`: data that must never be billed.
    """

    node_id: str | None = None
    file_sequence: int | None = None
    declared_records: int | None = None
    declared_bytes: int | None = None
    lost_records: int | None = None
    lost_records_are: Literal["exact", "at_least"] | None = None
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    totals: Mapping[str, Decimal] = field(default_factory=dict)
    is_test: bool = False


class RefusedFile(Exception):
    """The file as a whole is not of the format: `rule: reason`, nothing of it is collected."""

    def __init__(self, rule: str, reason: str) -> None:
        super().__init__(f"{rule}: {reason}")


@dataclass(frozen=True)
class ReaderOptions:
    """What a source says about its files that a reader needs.

    `columns` name the columns of a text file without a header; empty: the header or the format
    names them. `seeds_dir` holds the seeds, for formats whose dictionary is one. `wanted` are the
    fields that somebody reads: a reader may leave out all others; `None` wants them all.
    """

    seeds_dir: Path
    columns: tuple[str, ...] = ()
    delimiter: str = ","
    wanted: frozenset[str] | None = None


Item = NativeRecord | BrokenRecord | FileFacts


@dataclass(frozen=True)
class Reader:
    """A format's reader.

    `read` streams in constant memory, yields records in file order and facts at most once, when
    they are known, and never raises on bad content, but for `RefusedFile`. `fields` names the
    fields that a record of the format may have; `None`: its files name them. `entity` is what
    records become: usage by a mapping; of any other the fields are its columns.
    """

    format: str
    description: str
    read: Callable[[Path, ReaderOptions], Iterator[Item]]
    fields: Callable[[ReaderOptions], frozenset[str] | None]
    entity: str = "usage"
    is_text: bool = False
