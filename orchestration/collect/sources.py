"""Usage sources: the inbox folders of other formats, and how their fields become usage.

They are seeds: `usage_sources` (one row per folder), `usage_source_fields` (which field fills which
column of usage) and `usage_source_values` (what a field's values mean). `mapping_check` finds what
is wrong in them; `mapping` turns them into SQL.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from orchestration.collect.entities import ENTITY_BY_NAME, Column, Entity
from orchestration.collect.readers.registry import READERS

SOURCES, FIELDS, VALUES = "usage_sources", "usage_source_fields", "usage_source_values"
USAGE = ENTITY_BY_NAME["usage"]
USAGE_COLUMNS: Mapping[str, Column] = {column.name: column for column in USAGE.columns}

# A record id of this field is a hash of every mapped field: for formats that have no id.
WHOLE_RECORD = "*"
ANY_VALUE = "*"
QUANTITIES = ("duration_seconds", "volume_bytes", "quantity")
IDS = ("record_id", "session_id")
# An id may be made of numbers, which then must not depend on how they were dialled.
NUMBERS = (*IDS, "identifier", "other_number")

# How a field may be written, by column; what a unit is in the column's own.
DURATION_FORMS: Mapping[str, str] = {
    "seconds": "1",
    "milliseconds": "0.001",
    "microseconds": "0.000001",
    "minutes": "60",
    "hours": "3600",
    "h:mm:ss": "",
}
VOLUME_FORMS: Mapping[str, str] = {
    "bytes": "1",
    "kilobytes": "1000",
    "kibibytes": "1024",
    "megabytes": "1000000",
    "mebibytes": "1048576",
    "gigawords": "4294967296",
}
TIME_FORMS = ("iso", "epoch", "epoch_milliseconds", "epoch_microseconds")
NUMBER_FORMS = ("digits", "dialled", "national")
DELIMITERS: Mapping[str, str] = {
    "": ",",
    "comma": ",",
    "semicolon": ";",
    "tab": "\t",
    "bar": "|",
}


@dataclass(frozen=True)
class FieldRule:
    """One field, or a constant, that fills a column of usage; `direction`: only for that one."""

    column_name: str
    field: str = ""
    constant: str = ""
    form: str = ""
    direction: str = ""


@dataclass(frozen=True)
class ValueRule:
    """What one value of a field means: another value, or that the record is no usage."""

    field: str
    value: str
    becomes: str = ""
    filter_reason: str = ""


@dataclass(frozen=True)
class UsageSource:
    """An inbox folder of native files; the columns of the three seeds in one."""

    source_id: str
    format: str
    time_zone: str = ""
    repeated_hour: str = ""
    calling_code: str = ""
    international_prefix: str = ""
    national_prefix: str = ""
    columns: tuple[str, ...] = ()
    delimiter: str = ","
    group_field: str = ""
    fields: tuple[FieldRule, ...] = ()
    values: tuple[ValueRule, ...] = ()

    @cached_property
    def mapping_hash(self) -> str:
        """A hash of all that decides what becomes of a file of this source."""
        return hashlib.sha256(repr(self).encode()).hexdigest()

    @property
    def used_fields(self) -> tuple[str, ...]:
        """The native fields that the mapping reads, each once, in the order of the seeds."""
        if not self.is_mapped:
            return self.entity.header
        named = [
            *(rule.field for rule in self.fields if rule.field not in ("", WHOLE_RECORD)),
            *(rule.field for rule in self.values),
            *([self.group_field] if self.group_field else []),
        ]
        return tuple(dict.fromkeys(named))

    @property
    def entity(self) -> Entity:
        """What the files hold; usage has the extension columns that the mapping fills."""
        if not self.is_mapped:
            return ENTITY_BY_NAME[READERS[self.format].entity]
        return USAGE.as_delivered([rule.column_name for rule in self.fields])

    @property
    def is_mapped(self) -> bool:
        """Whether a mapping turns the records into usage, or their fields are columns already."""
        return self.format not in READERS or READERS[self.format].entity == USAGE.name


def read_sources(seeds_dir: Path) -> dict[str, UsageSource]:
    """Return the usage sources by folder; none where the seeds are not there.

    The seeds are taken for sound: `mapping_check` says whether they are.
    """
    rows = {name: _rows(seeds_dir / "policy" / f"{name}.csv") for name in (SOURCES, FIELDS, VALUES)}
    return {row["source_id"]: source_of(row, rows[FIELDS], rows[VALUES]) for row in rows[SOURCES]}


def source_of(
    row: Mapping[str, str],
    fields: Sequence[Mapping[str, str]],
    values: Sequence[Mapping[str, str]],
) -> UsageSource:
    """Return one source of its row and the rows of the other seeds, of which it takes its own."""
    name = row["source_id"]
    return UsageSource(
        source_id=name,
        format=row["format"],
        time_zone=row["time_zone"],
        repeated_hour=row["repeated_hour"],
        calling_code=row["calling_code"],
        international_prefix=row["international_prefix"],
        national_prefix=row["national_prefix"],
        columns=tuple(row["columns"].split()),
        delimiter=DELIMITERS.get(row["delimiter"], ","),
        group_field=row["group_field"],
        fields=tuple(
            FieldRule(
                one["column_name"], one["field"], one["constant"], one["form"], one["direction"]
            )
            for one in fields
            if one["source_id"] == name
        ),
        values=tuple(
            ValueRule(one["field"], one["value"], one["becomes"], one["filter_reason"])
            for one in values
            if one["source_id"] == name
        ),
    )


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return [{key: value or "" for key, value in row.items()} for row in csv.DictReader(stream)]
