"""The dictionary of network records: which tag is which field, as two seeds say.

`cdr_records` names the record types of a format by their outermost tag and what in them is a part
of its own; `cdr_fields` names the fields by their paths of tags.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from orchestration.collect.readers.ber import (
    BerError,
    Found,
    Tags,
    as_constructed,
    codec_by_name,
    identifier_of,
    make_tags,
    name_of,
    put_values,
    read_element,
    shape_of,
    walk,
)
from orchestration.collect.readers.codecs import CODECS
from orchestration.collect.readers.records import BrokenRecord, NativeRecord
from orchestration.lib.errors import TollhouseError

RECORDS: Final = Path("reference", "cdr_records.csv")
FIELDS: Final = Path("reference", "cdr_fields.csv")
_OUTCOME: Final = frozenset({"failure", "seized_at", "answered_at"})
_FIRST: Final = frozenset({"record_sequence_number"})
ALWAYS: Final = frozenset(
    {
        *("record_type", "service", "direction", "outcome", "is_first_partial"),
        *("part_number", "part_count", "other_part_count", "unknown_tags"),
    }
)
"""What every record may have beside its own fields.

`service` and `direction` are those of its type. `outcome`: `failed` where the network gives a
reason, `not_answered` where a call was tried only, else `done`. `is_first_partial`: `false` for a
record with a sequence number above 1, which goes on where another ended, else `true`.
`part_number` and `part_count`: which part of how many, where a record was taken apart.
`other_part_count`: how many containers of another kind it holds, which tell the same volumes again.
`unknown_tags`: what the dictionary does not name, as `path=hex` joined by semicolons.
"""


@dataclass(frozen=True)
class RecordType:
    """One type of record: what its type says of it, its tags, and its containers, in order.

    Of several kinds of containers the first that is there takes the record apart. `lists` are the
    elements that hold containers, by identifier.
    """

    said: dict[str, str]
    tags: Tags
    containers: tuple[Tags, ...]
    lists: dict[int, Tags]


@dataclass(frozen=True)
class Dictionary:
    """The record types of a format by the identifier of their outermost element."""

    types: dict[int, RecordType]
    keeps_unknown: bool
    has_outcome: bool
    has_first: bool


def field_names(seeds_dir: Path, record_format: str) -> frozenset[str]:
    """Return the fields that records of a format may have, whatever else is wrong in the seeds."""
    types = {
        row.get("record_type")
        for row in _rows(seeds_dir / RECORDS)
        if row.get("format") == record_format
    }
    named = (
        row.get("field") for row in _rows(seeds_dir / FIELDS) if row.get("record_type") in types
    )
    return ALWAYS | {name for name in named if name}


def read_dictionary(
    seeds_dir: Path, record_format: str, wanted: frozenset[str] | None = None
) -> Dictionary:
    """Return a format's dictionary; a row that is wrong raises `TollhouseError`.

    Only the `wanted` fields are decoded; `None` wants them all.
    """
    if wanted is not None:
        wanted |= _OUTCOME if "outcome" in wanted else frozenset()
        wanted |= _FIRST if "is_first_partial" in wanted else frozenset()
    fields_of: dict[str, list[tuple[str, str, str]]] = {}
    for row in _rows(seeds_dir / FIELDS):
        named = (row["tag_path"], row["field"], row["codec"])
        fields_of.setdefault(row["record_type"], []).append(named)
    types = {}
    for row in _rows(seeds_dir / RECORDS):
        if row["format"] != record_format:
            continue
        name, containers = row["record_type"], row["part_paths"].split()
        fields = fields_of.get(name, [])
        try:
            tags = make_tags(
                [
                    (
                        path,
                        field if wanted is None or field in wanted else "",
                        codec_by_name(CODECS, codec),
                    )
                    for path, field, codec in fields
                ]
            )
            identifier = as_constructed(identifier_of(row["record_tag"]))
            lists = {as_constructed(identifier_of(path.split(".")[0])): path for path in containers}
            said = {"record_type": name, "service": row["service"], "direction": row["direction"]}
            types[identifier] = RecordType(
                {field: value for field, value in said.items() if value},
                tags,
                tuple(_level_at(tags, path) for path in containers),
                {list_tag: tags.levels[list_tag] for list_tag in lists},
            )
        except (ValueError, KeyError) as error:
            raise TollhouseError(f"seeds/{FIELDS}: {name}: {error} (tollhouse check)") from error
    keeps_unknown, has_outcome, has_first = (
        wanted is None or name in wanted for name in ("unknown_tags", "outcome", "is_first_partial")
    )
    return Dictionary(types, keeps_unknown, has_outcome, has_first)


def _rows(path: Path) -> Iterator[dict[str, str]]:
    if not path.is_file():
        return
    with path.open(encoding="utf-8", newline="") as stream:
        yield from csv.DictReader(stream)


def _level_at(tags: Tags, path: str) -> Tags:
    for step in path.split("."):
        tags = tags.levels[as_constructed(identifier_of(step))]
    return tags


def decode(
    data: bytes, start: int, end: int, number: int, position: int, dictionary: Dictionary
) -> list[NativeRecord | BrokenRecord]:
    """Return the parts of the one record that lies from `start` to `end`, or the broken record.

    `number` and `position` are the record's in its file. What is behind the record's own element
    must be padding.
    """
    raw, keeps = data[start:end], dictionary.keeps_unknown
    try:
        identifier, begin, stop, following = read_element(data, start, end)
        if following < end:
            behind = data[following:end]
            if behind.strip(b"\0") and behind.strip(b"\xff"):
                reason = f"{len(behind)} octets behind the record's own element"
                return [BrokenRecord(number, position, "octets_behind_record", reason, raw)]
        record_type = dictionary.types.get(identifier)
        if record_type is None:
            reason = f"tag {name_of(identifier)} is no record of this format"
            return [BrokenRecord(number, position, "unknown_record_type", reason, raw)]
        unknown: list[str] = []
        parts: list[tuple[Tags, dict[str, str]]] = []
        if record_type.containers:
            values = _read_parted(data, begin, stop, record_type, parts, unknown, keeps)
        else:
            values = _read_run(data, begin, stop, record_type.tags, unknown, keeps)
    except BerError as error:
        reason = f"{error.reason}, at octet {error.position - start} of the record"
        return [BrokenRecord(number, position, error.rule, reason, raw)]
    values.update(record_type.said)
    if dictionary.has_outcome:
        values["outcome"] = _outcome(values)
    if dictionary.has_first:
        sequence = values.get("record_sequence_number", "1")
        values["is_first_partial"] = "true" if sequence in ("0", "1") else "false"
    if unknown:
        values["unknown_tags"] = ";".join(unknown)
    if not parts:
        return [NativeRecord(number, position, values, raw)]
    return _taken_apart(record_type, values, parts, number, position, raw)


def _outcome(values: Mapping[str, str]) -> str:
    if "failure" in values:
        return "failed"
    if "seized_at" in values and "answered_at" not in values:
        return "not_answered"
    return "done"


def _read_run(
    data: bytes,
    position: int,
    end: int,
    tags: Tags,
    unknown: list[str],
    keeps_unknown: bool,
    way: tuple[int, ...] = (),
) -> dict[str, str]:
    """Return the values from `position` to `end`, by the shape of the octets if it is known."""
    shapes, size = tags.shapes, end - position
    shape = shapes.match(size, data, position, end)
    if shape is not None:
        read = shape.read(data, position)
        if read is not None:
            return read
        values: dict[str, str] = {}
        shape.put(data, position, values, unknown)
        return values
    values = {}
    found = Found(keeps_unknown)
    walk(data, position, end, tags, found, "".join(f"{name_of(step)}." for step in way))
    put_values(data, found, values, unknown)
    shapes.keep(size, shape_of(data, position, end, found))
    return values


def _read_parted(
    data: bytes,
    position: int,
    end: int,
    record_type: RecordType,
    parts: list[tuple[Tags, dict[str, str]]],
    unknown: list[str],
    keeps_unknown: bool,
) -> dict[str, str]:
    """Return the values of a record that has lists of containers; add those of each to `parts`.

    What stands between the lists is a run of elements, which has a shape as a whole.
    """
    tags, lists = record_type.tags, record_type.lists
    values: dict[str, str] = {}
    key = 0
    while position < end:
        two = int.from_bytes(data[position : position + 2], "big")
        if two not in lists and two >> 8 not in lists:
            shape = tags.shapes.match(key, data, position, end)
            if shape is not None:
                read = None if values else shape.read(data, position)
                if read is None:
                    shape.put(data, position, values, unknown)
                else:
                    values = read
                position += shape.size
                continue
        identifier, begin, stop, following = read_element(data, position, end)
        level = lists.get(identifier)
        if level is not None:
            _read_containers(data, begin, stop, (identifier, level), parts, unknown, keeps_unknown)
            key, position = 1, following
            continue
        run_end = following
        while run_end < end:
            identifier, _, _, following = read_element(data, run_end, end)
            if identifier in lists:
                break
            run_end = following
        found = Found(keeps_unknown)
        walk(data, position, run_end, tags, found)
        put_values(data, found, values, unknown)
        tags.shapes.keep(key, shape_of(data, position, run_end, found))
        position = run_end
    return values


def _read_containers(
    data: bytes,
    position: int,
    end: int,
    listed: tuple[int, Tags],
    parts: list[tuple[Tags, dict[str, str]]],
    unknown: list[str],
    keeps_unknown: bool,
) -> None:
    """Add the containers of one list to `parts`."""
    list_identifier, level = listed
    while position < end:
        identifier, begin, stop, following = read_element(data, position, end, 1)
        container = level.levels.get(identifier)
        if container is not None:
            way = (list_identifier, identifier)
            part = _read_run(data, begin, stop, container, unknown, keeps_unknown, way)
            parts.append((container, part))
        elif keeps_unknown:
            path = f"{name_of(list_identifier)}.{name_of(identifier)}"
            unknown.append(f"{path}={data[begin:stop].hex()}")
        position = following


def _taken_apart(
    record_type: RecordType,
    values: dict[str, str],
    parts: list[tuple[Tags, dict[str, str]]],
    number: int,
    position: int,
    raw: bytes,
) -> list[NativeRecord | BrokenRecord]:
    """Return one native record for each part of the first kind of container there is."""
    of_kind = [part for level, part in parts if level is record_type.containers[0]]
    for container in record_type.containers[1:]:
        of_kind = of_kind or [part for level, part in parts if level is container]
    values["part_count"] = str(len(of_kind))
    if len(of_kind) < len(parts):
        values["other_part_count"] = str(len(parts) - len(of_kind))
    records: list[NativeRecord | BrokenRecord] = []
    for index, part in enumerate(of_kind, 1):
        merged = values | part
        merged["part_number"] = str(index)
        records.append(NativeRecord(number, position, merged, raw, index))
    return records
