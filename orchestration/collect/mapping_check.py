"""What can be wrong in the mapping of a usage source, told by seed and line.

The seeds' own types, keys and references are the matter of `seed_check`; here is what only the
inbox, the formats and usage know: folders, formats, columns, forms and fields.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import duckdb

from orchestration.collect.entities import ENTITY_BY_NAME
from orchestration.collect.kinds import quote
from orchestration.collect.readers.records import ReaderOptions
from orchestration.collect.readers.registry import READERS
from orchestration.collect.seed_rules import ReadSeed
from orchestration.collect.sources import (
    DELIMITERS,
    DURATION_FORMS,
    FIELDS,
    NUMBER_FORMS,
    NUMBERS,
    SOURCES,
    TIME_FORMS,
    USAGE_COLUMNS,
    VALUES,
    VOLUME_FORMS,
    WHOLE_RECORD,
    UsageSource,
    read_sources,
    source_of,
)
from orchestration.lib.errors import TollhouseError

_FOLDER = re.compile(r"[a-z][a-z0-9_]{0,62}", re.ASCII)
_DIGITS = re.compile(r"[0-9]{1,4}", re.ASCII)
_DIRECTIONS = ("incoming", "outgoing")


@dataclass(frozen=True)
class MappingProblem:
    """One mistake: the seed, the line it stands on, the rule and what is wrong."""

    seed: str
    line: int
    rule: str
    message: str


Rows = list[tuple[int, dict[str, str]]]


def check_mapping(seeds: Mapping[str, ReadSeed], seeds_dir: Path) -> Iterator[MappingProblem]:
    """Yield every mistake in the usage sources of seeds as they were read.

    A seed that could not be read as declared is left out: that is told by itself.
    """
    if not all(name in seeds and seeds[name].is_whole for name in (SOURCES, FIELDS, VALUES)):
        return
    rows = {name: _rows(seeds[name]) for name in (SOURCES, FIELDS, VALUES)}
    fields, values = ([row for _, row in rows[name]] for name in (FIELDS, VALUES))
    for line, row in rows[SOURCES]:
        source = source_of(row, fields, values)
        for rule, message in _source_problems(source, row):
            yield MappingProblem(SOURCES, line, rule, message)
        if source.format not in READERS:
            continue
        if not source.is_mapped:
            yield from _needless_rows(source, rows)
            continue
        known = _known_fields(source, seeds_dir)
        for column, message in _missing_columns(source):
            yield MappingProblem(SOURCES, line, "missing_column", f"{column} {message}")
        for name, problems in ((FIELDS, _field_problems), (VALUES, _value_problems)):
            for at, one in rows[name]:
                if one["source_id"] == source.source_id:
                    for rule, message in problems(one, source, known):
                        yield MappingProblem(name, at, rule, message)


def require_sound_sources(seeds_dir: Path) -> dict[str, UsageSource]:
    """Return the usage sources by folder. Raises `TollhouseError` if their mapping is not sound."""
    from orchestration.collect.seed_check import check_usage_sources

    problems = check_usage_sources(seeds_dir)
    if problems:
        more = f" (and {len(problems) - 1} more: tollhouse check)" if len(problems) > 1 else ""
        raise TollhouseError(f"nothing is collected: {problems[0]}{more}")
    return read_sources(seeds_dir)


def _rows(seed: ReadSeed) -> Rows:
    names = list(seed.types)
    values = zip(*(seed.columns[name] for name in names), strict=True)
    return [
        (line, dict(zip(names, row, strict=True)))
        for line, row in zip(seed.lines, values, strict=True)
    ]


def _needless_rows(source: UsageSource, rows: Mapping[str, Rows]) -> Iterator[MappingProblem]:
    """Yield a problem for each row that maps a format whose fields are columns already."""
    for seed in (FIELDS, VALUES):
        for line, row in rows[seed]:
            if row["source_id"] == source.source_id:
                message = f"{source.format} needs no mapping: its fields are {source.entity.name}"
                yield MappingProblem(seed, line, "needless_mapping", message)


Problems = Iterator[tuple[str, str]]


def _source_problems(source: UsageSource, row: Mapping[str, str]) -> Problems:
    if source.source_id in ENTITY_BY_NAME:
        yield "folder", f"source_id {source.source_id} is the folder of the house's own format"
    elif not _FOLDER.fullmatch(source.source_id):
        yield "folder", "source_id names a folder: lower case letters, digits and _"
    if source.format not in READERS:
        known = ", ".join(sorted(READERS))
        yield "unknown_format", f"format {source.format} is none of {known}"
    if source.time_zone and not _is_time_zone(source.time_zone):
        yield "time_zone", f"time_zone {source.time_zone} is no time zone like Europe/Berlin"
    if source.repeated_hour and not source.time_zone:
        yield "time_zone", "repeated_hour is given, but no time_zone"
    for name in ("calling_code", "international_prefix", "national_prefix"):
        if row[name] and not _DIGITS.fullmatch(row[name]):
            yield "number", f"{name} {row[name]} is not up to four digits"
    if row["delimiter"] not in DELIMITERS:
        known = ", ".join(one for one in DELIMITERS if one)
        yield "delimiter", f"delimiter {row['delimiter']} is none of {known}"
    repeated = sorted({one for one in source.columns if source.columns.count(one) > 1})
    if repeated:
        yield "unknown_field", f"columns name {', '.join(repeated)} twice"


def _is_time_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return "/" in name or name == "UTC"


def _known_fields(source: UsageSource, seeds_dir: Path) -> frozenset[str] | None:
    options = ReaderOptions(seeds_dir, source.columns, source.delimiter)
    return READERS[source.format].fields(options)


def _missing_columns(source: UsageSource) -> Problems:
    filled = {rule.column_name for rule in source.fields}
    for name, column in USAGE_COLUMNS.items():
        if column.is_required and name not in filled:
            yield name, "must be filled: no row of usage_source_fields fills it"
    if source.group_field and "direction" not in filled:
        yield "direction", "must be filled where records belong to one call"


def _unknown_field(field: str, known: frozenset[str] | None) -> Problems:
    if known is not None and field not in known:
        yield "unknown_field", f"field {field} is none that the format has"


def _field_problems(
    row: Mapping[str, str], source: UsageSource, known: frozenset[str] | None
) -> Problems:
    column, field, constant = row["column_name"], row["field"], row["constant"]
    if column not in USAGE_COLUMNS:
        yield "unknown_column", f"column_name {column} is no column of usage"
        return
    if bool(field) == bool(constant):
        yield "field_or_constant", f"{column} takes a field or a constant, one of the two"
    if field == WHOLE_RECORD and column != "record_id":
        yield "unknown_field", f"* is a hash of the whole record: a record_id, no {column}"
    elif field and field != WHOLE_RECORD:
        yield from _unknown_field(field, known)
    if constant and not _is_accepted(column, constant):
        kind = USAGE_COLUMNS[column].kind.description
        yield "constant", f"constant {constant} of {column} is not {kind}"
    direction = row["direction"]
    if direction and (direction not in _DIRECTIONS or column == "direction"):
        yield "direction", f"direction {direction} of {column}: one of {', '.join(_DIRECTIONS)}"
    yield from _form_problems(column, row["form"], source)


def _form_problems(column: str, form: str, source: UsageSource) -> Problems:
    if column == "started_at" and "%" in form:
        if not _is_time_pattern(form):
            yield "form", f"form {form} is no pattern of a time like %d.%m.%Y %H:%M:%S"
        if "%z" not in form and not source.time_zone:
            yield "time_zone", f"form {form} says no offset, and the source has no time_zone"
        return
    forms: Sequence[str] = {
        "started_at": TIME_FORMS,
        "duration_seconds": tuple(DURATION_FORMS),
        "volume_bytes": tuple(VOLUME_FORMS),
        **dict.fromkeys(NUMBERS, NUMBER_FORMS),
    }.get(column, ())
    if form and form not in forms:
        allowed = ", ".join(forms) or "empty: it is taken as it is"
        yield "form", f"form {form} of {column} is not known: {allowed}"
    if form in ("dialled", "national") and not source.calling_code:
        yield "number", f"form {form} of {column} needs the source's calling_code"


def _value_problems(
    row: Mapping[str, str], source: UsageSource, known: frozenset[str] | None
) -> Problems:
    yield from _unknown_field(row["field"], known)
    if row["becomes"] and row["filter_reason"]:
        yield "value", "becomes and filter_reason exclude each other"
    reason = row["filter_reason"]
    if reason and not _FOLDER.fullmatch(reason):
        yield "value", f"filter_reason {reason} is not one word like not_answered"
    if not row["value"]:
        yield "value", "value is empty: * stands for any other value, an empty one too"


def _is_accepted(column: str, text: str) -> bool:
    """Return whether a text is a value that a column of usage takes."""
    accepts = USAGE_COLUMNS[column].kind.accepts.replace("{v}", quote(text))
    # All rows are fetched: the connection is the process's, and one with rows left is in use.
    found = duckdb.execute(f"select coalesce({accepts}, false)").fetchall()
    return bool(found[0][0])


def _is_time_pattern(form: str) -> bool:
    """Return whether a pattern reads back what it wrote, to the minute."""
    moment = "timestamptz '2026-10-03 09:12:00+00'"
    query = f"""
        with written as (select strftime({moment}, $form) as text)
        select date_trunc('minute', cast(strptime(text, $form) as timestamp))
            = timestamp '2026-10-03 09:12:00'
        from written
    """
    with duckdb.connect() as sql:
        sql.execute("set timezone = 'UTC'")
        try:
            found = sql.execute(query, {"form": form}).fetchone()
        except duckdb.Error:
            return False
    return bool(found and found[0])
