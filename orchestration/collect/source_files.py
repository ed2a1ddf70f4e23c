"""Decoding a file of a usage source: read by its format's reader, mapped by SQL, judged as usage.

What becomes of a record: it is filtered (a value says it is no usage), rejected (it cannot be
decoded or mapped, or breaks a rule of usage), or accepted. A record of several parts is rejected
whole if one part is; the records of one call that are accepted make one row of usage. Either way
each record has one fate, and `usage_links` says which rows the accepted ones made.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from orchestration.collect.decode import (
    LONGEST_RAW,
    accepted_records,
    is_accepted,
    quote_name,
    read_csv,
    rejected_records,
)
from orchestration.collect.entities import Entity
from orchestration.collect.kinds import quote
from orchestration.collect.mapping import mapped_records, native_name
from orchestration.collect.readers.csv_file import read_columns
from orchestration.collect.readers.parquet_file import one_reason, parquet_columns, read_parquet
from orchestration.collect.readers.records import (
    BrokenRecord,
    FileFacts,
    NativeRecord,
    Reader,
    ReaderOptions,
    RefusedFile,
)
from orchestration.collect.readers.registry import READERS
from orchestration.collect.records import Inspection
from orchestration.collect.sources import QUANTITIES, USAGE_COLUMNS, UsageSource

# More than any value of usage may have: what is longer is cut, and rejected as it would be.
_LONGEST_FIELD = 2_000
# What a reject keeps of its record's bytes; no reader but TAP's has longer records.
LONGEST_KEPT = 524_288


@dataclass(frozen=True)
class SourceFile:
    """A file of a usage source, by a harmless link, and the folder that its decoding may use."""

    source: UsageSource
    link: Path
    work: Path
    inspection: Inspection
    options: ReaderOptions

    @property
    def reader(self) -> Reader:
        return READERS[self.source.format]

    @property
    def file_id(self) -> str:
        return self.inspection.file_id


@dataclass(frozen=True)
class Judged:
    """What became of a file's records; `accepted`, `rejected` ... `.parquet` lie in its folder."""

    reason: str | None = None
    records_accepted: int = 0
    records_rejected: int = 0
    records_filtered: int = 0
    rows_landed: int = 0
    rows_linked: int = 0
    facts: FileFacts = field(default_factory=FileFacts)

    @property
    def records_read(self) -> int:
        return self.records_accepted + self.records_rejected + self.records_filtered


@dataclass(frozen=True)
class _Native:
    """Native records as SQL, with what the reader told beside them."""

    sql: str
    records: int
    has_parts: bool = False
    broken: Path | None = None
    facts: FileFacts = field(default_factory=FileFacts)


def decode_source_file(connection: duckdb.DuckDBPyConnection, file: SourceFile) -> Judged:
    """Decode, map and judge a file into the Parquet files of its work folder."""
    try:
        native = _in_sql(connection, file)
        judged = _judge(connection, file, native) if native else None
        if judged is None:
            judged = _judge(connection, file, _by_reader(file))
    except RefusedFile as refused:
        return Judged(reason=str(refused))
    except duckdb.Error:
        # What a damaged Parquet file raises is any error; one of the house's own is not caught.
        refusal = _refusal(file) if file.source.format == "parquet" else None
        if refusal is None:
            raise
        return Judged(reason=refusal)
    if judged is None:
        raise RuntimeError(
            f"{file.link}: the records that were read are not those that were judged"
        )
    return judged


def _refusal(file: SourceFile) -> str | None:
    """Return why a file's reader refuses it, if it does."""
    try:
        for _ in file.reader.read(file.link, file.options):
            pass
    except RefusedFile as refused:
        return str(refused)
    return None


# Native records


def _in_sql(connection: duckdb.DuckDBPyConnection, file: SourceFile) -> _Native | None:
    """Return the records as the engine reads them itself; nothing where a reader has to."""
    if file.source.format == "parquet":
        return _parquet_records(connection, file)
    if file.source.format == "csv":
        return _plain_csv_records(file)
    return None


def _parquet_records(connection: duckdb.DuckDBPyConnection, file: SourceFile) -> _Native:
    _need_fields(file, parquet_columns(connection, file.link))
    read = read_parquet(file.link)
    try:
        counted = connection.execute(f"select count(*) from {read}").fetchone()
    except duckdb.Error as error:
        raise RefusedFile("not_parquet", one_reason(error)) from error
    fields = "".join(
        f", nullif(cast({quote_name(name)} as varchar), '') as {native_name(name)}"
        for name in file.source.used_fields
    )
    return _Native(
        "(select row_number() over () as row_number, row_number as record_number,"
        f" row_number as line_number{fields} from {read})",
        int(counted[0]) if counted else 0,
    )


def _plain_csv_records(file: SourceFile) -> _Native | None:
    """Return the records of a CSV whose lines are its records, if the counts say that they are."""
    inspection, options = file.inspection, file.options
    with file.link.open("rb") as stream:
        columns = read_columns(stream, options)
    _need_fields(file, columns)
    separators = (len(columns) - 1) * inspection.line_count
    is_even = inspection.comma_count == separators and inspection.invalid_line is None
    if not inspection.is_plain or not is_even:
        return None
    header = 0 if options.columns else 1
    fields = "".join(
        f", {_trimmed(quote_name(name), inspection.is_spaced)} as {native_name(name)}"
        for name in file.source.used_fields
    )
    read = read_csv(file.link, columns, has_header=bool(header), delimiter=options.delimiter)
    return _Native(
        "(select row_number() over () as row_number, row_number as record_number,"
        f" row_number + {header} as line_number{fields} from {read})",
        inspection.line_count - header,
    )


def _trimmed(name: str, is_spaced: bool) -> str:
    return f"nullif(trim({name}, ' '), '')" if is_spaced else name


def _need_fields(file: SourceFile, found: tuple[str, ...]) -> None:
    """Refuse a file that lacks a field which the mapping reads."""
    missing = [name for name in file.source.used_fields if name not in found]
    if missing:
        shown = ", ".join(name if name.isprintable() else "?" for name in missing[:20])
        raise RefusedFile("wrong_header", f"missing {shown}, which the mapping reads")


def _by_reader(file: SourceFile) -> _Native:
    """Write what the format's reader yields as text into the work folder."""
    names = file.source.used_fields
    if file.source.format == "csv":
        with file.link.open("rb") as stream:
            _need_fields(file, read_columns(stream, file.options))
    native_path, broken_path = file.work / "native.csv", file.work / "broken.csv"
    rows = records = broken_count = 0
    has_parts, facts = False, FileFacts()
    with (
        native_path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as sound,
        broken_path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as bad,
    ):
        native = csv.writer(sound, quoting=csv.QUOTE_ALL, lineterminator="\n")
        broken = csv.writer(bad, quoting=csv.QUOTE_ALL, lineterminator="\n")
        for item in file.reader.read(file.link, file.options):
            if isinstance(item, FileFacts):
                facts = item
                continue
            rows += 1
            if isinstance(item, BrokenRecord):
                broken_count += 1
                records += 1
                reason = _one_line(item.reason)
                broken.writerow((item.record_number, item.position, item.rule, reason))
                continue
            records += item.part == 1
            has_parts = has_parts or item.part > 1
            values = list(map(item.fields.get, names))
            text = "".join(filter(None, values))
            if len(text) > _LONGEST_FIELD or "\0" in text:
                values = [_text(value) for value in values]
            native.writerow((rows, item.record_number, item.position, *values))
    columns = ("row_number", "record_number", "line_number", *names)
    place = ", ".join(f"cast({name} as bigint) as {name}" for name in columns[:3])
    unique = (*columns[:3], *(f"native_{name}" for name in names))
    fields = "".join(f", {native_name(name)}" for name in names)
    return _Native(
        f"(select {place}{fields} from {read_csv(native_path, unique, has_header=False)})",
        records,
        has_parts,
        broken_path if broken_count else None,
        facts,
    )


def _text(value: str | None) -> str | None:
    if not value:
        return None
    return value.replace("\0", "\ufffd")[:_LONGEST_FIELD]


def _one_line(text: str) -> str:
    return "".join(one if one.isprintable() else "?" for one in text)[:LONGEST_RAW]


# Judging


def _judge(
    connection: duckdb.DuckDBPyConnection, file: SourceFile, native: _Native
) -> Judged | None:
    """Judge every record; return nothing if their number is not what was read."""
    try:
        if native.has_parts or file.source.group_field:
            judged = _judge_linked(connection, file, native)
        else:
            judged = _judge_single(connection, file, native)
    except (duckdb.InvalidInputException, duckdb.ConversionException):
        if file.source.format == "parquet":
            raise
        return None
    return judged if judged.records_read == native.records else None


def _judge_single(
    connection: duckdb.DuckDBPyConnection, file: SourceFile, native: _Native
) -> Judged:
    """Judge a file in which each record makes one row."""
    entity, file_id = file.source.entity, file.file_id
    mapped = f"({mapped_records(file.source, native.sql, native.facts.is_test)})"
    sound = (
        f"(select * from {mapped} as mapped where filter_reason is null and mapping_fault is null)"
    )
    accepted = _write(
        connection, accepted_records(entity, file_id, sound), file.work / "accepted.parquet"
    )
    filtered = rejected = 0
    if accepted != native.records:
        filtered = _write(
            connection,
            f"select {quote(file_id)} as file_id, record_number, line_number,"
            f" filter_reason as reason from {mapped} as mapped where filter_reason is not null",
            file.work / "filtered.parquet",
        )
    if accepted + filtered != native.records:
        drafts = [_unmapped(file_id, f"{mapped} as mapped where filter_reason is null")]
        drafts.append(_draft(rejected_records(entity, file_id, sound)))
        rejected = _write_rejects(connection, file, drafts, native)
    return Judged(
        records_accepted=accepted,
        records_rejected=rejected,
        records_filtered=filtered,
        rows_landed=accepted,
        facts=native.facts,
    )


def _judge_linked(
    connection: duckdb.DuckDBPyConnection, file: SourceFile, native: _Native
) -> Judged:
    """Judge a file in which a record may have parts, or records belong to one call."""
    entity, file_id, work = file.source.entity, file.file_id, file.work
    mapped = mapped_records(file.source, native.sql, native.facts.is_test)
    _write(
        connection,
        f"select *, case when filter_reason is not null then 'filtered'"
        f" when mapping_fault is not null or not {is_accepted(entity)} then 'rejected'"
        f" else 'accepted' end as verdict from ({mapped}) as mapped",
        work / "judged.parquet",
    )
    judged = read_parquet(work / "judged.parquet")
    bad = f"(select record_number from {judged} where verdict = 'rejected')"
    kept = f"(select * from {judged} where verdict = 'accepted' and record_number not in {bad})"
    linked = f"(select *, {_usage_number(file.source)} as usage_record_number from {kept} as kept)"
    rows = _write(
        connection,
        accepted_records(entity, file_id, _usage_rows(file.source, entity, linked)),
        work / "accepted.parquet",
    )
    links = _write(
        connection,
        f"select distinct {quote(file_id)} as file_id, record_number, usage_record_number"
        f" from {linked} order by all",
        work / "links.parquet",
    )
    counted = connection.execute(f"select count(distinct record_number) from {kept}").fetchone()
    accepted = int(counted[0]) if counted else 0
    filtered = _write(
        connection,
        f"select {quote(file_id)} as file_id, record_number, min(line_number) as line_number,"
        f" min(filter_reason) as reason from {judged} group by record_number"
        " having bool_and(verdict = 'filtered') order by record_number",
        work / "filtered.parquet",
    )
    rejected = 0
    if accepted + filtered != native.records:
        drafts = [_unmapped(file_id, f"{judged} where verdict = 'rejected'")]
        unmapped = f"(select * from {judged} where verdict = 'rejected' and mapping_fault is null)"
        drafts.append(_draft(rejected_records(entity, file_id, unmapped)))
        rejected = _write_rejects(connection, file, drafts, native)
    return Judged(
        records_accepted=accepted,
        records_rejected=rejected,
        records_filtered=filtered,
        rows_landed=rows,
        rows_linked=links,
        facts=native.facts,
    )


_CALL = ("identifier", "other_number", "service", "direction")


def _usage_number(source: UsageSource) -> str:
    """Return SQL for the number of the usage row that a record, or part of one, makes."""
    if not source.group_field:
        return "row_number"
    keys = ", ".join(("coalesce(group_value, '#' || row_number)", *_CALL))
    return f"min(row_number) over (partition by {keys})"


def _usage_rows(source: UsageSource, entity: Entity, linked: str) -> str:
    """Return the query of usage rows as text; the records of one call become one.

    Its duration is the time that one of them covers: legs of one call overlap, and parts of it
    follow each other. What is said of it otherwise is what its first record says.
    """
    names = [column for column in USAGE_COLUMNS if column not in QUANTITIES]
    if not source.group_field:
        listed = ", ".join(quote_name(name) for name in USAGE_COLUMNS)
        return f"(select usage_record_number as record_number, line_number, {listed} from {linked})"
    said = ", ".join(
        f"arg_min_null({quote_name(name)}, (begins, row_number)) as {quote_name(name)}"
        for name in names
    )
    added = ", ".join(
        f"cast(sum(cast({name} as hugeint)) as varchar) as {name}"
        for name in QUANTITIES
        if name != "duration_seconds"
    )
    seconds = "cast(cast(duration_seconds as bigint) * interval 1 second as interval)"
    return (
        "(select usage_record_number as record_number, min(line_number) as line_number,"
        f" {said}, {added}, cast(sum(covered) as varchar) as duration_seconds from ("
        "select *, greatest(0, date_diff('microsecond', greatest(begins, coalesce(max(ends) over ("
        "partition by usage_record_number order by begins, row_number"
        " rows between unbounded preceding and 1 preceding), begins)), ends)) // 1000000 as covered"
        f" from (select *, cast(started_at as timestamptz) as begins, begins + {seconds} as ends"
        f" from {linked} as linked) as timed) as laid group by usage_record_number)"
    )


# Rejects


def _unmapped(file_id: str, source: str) -> str:
    """Return the draft of rejects that the mapping could not map."""
    return (
        f"select {quote(file_id)} as file_id, record_number, line_number,"
        " split_part(mapping_fault, ': ', 1) as rule,"
        " substr(mapping_fault, strpos(mapping_fault, ': ') + 2) as reason"
        f" from {source} and mapping_fault is not null"
    )


def _draft(rejected: str) -> str:
    return f"select file_id, record_number, line_number, rule, reason from ({rejected}) as rejected"


def _write_rejects(
    connection: duckdb.DuckDBPyConnection, file: SourceFile, drafts: list[str], native: _Native
) -> int:
    """Write the rejected records, one row each, with the bytes that they have in the file."""
    if native.broken:
        columns = ("record_number", "line_number", "rule", "reason")
        drafts.append(
            f"select {quote(file.file_id)} as file_id, cast(record_number as bigint),"
            " cast(line_number as bigint), rule, reason"
            f" from {read_csv(native.broken, columns, has_header=False)}"
        )
    draft_path = file.work / "draft.parquet"
    count = _write(
        connection,
        # Of several parts that are wrong, one speaks for the record.
        "select distinct on (record_number) file_id, record_number, line_number, rule, reason"
        f" from ({' union all '.join(drafts)}) as drafts"
        " order by record_number, rule, reason",
        draft_path,
    )
    draft = read_parquet(draft_path)
    numbers = connection.cursor().execute(f"select record_number from {draft} order by all")
    raws = file.work / "raws.csv"
    _write_raws(file, _stream(numbers), raws)
    read = read_csv(raws, ("record_number", "raw", "bytes"), has_header=False)
    _write(
        connection,
        "select draft.file_id, draft.record_number, draft.line_number, draft.rule, draft.reason,"
        " coalesce(raws.raw, '') as raw, unhex(raws.bytes) as raw_bytes"
        f" from {draft} as draft left join {read} as raws"
        " on draft.record_number = cast(raws.record_number as bigint)"
        " order by draft.record_number",
        file.work / "rejected.parquet",
    )
    return count


def _stream(numbers: duckdb.DuckDBPyConnection) -> Iterator[int]:
    while rows := numbers.fetchmany(1_000):
        for (number,) in rows:
            yield number


def _write_raws(file: SourceFile, numbers: Iterator[int], path: Path) -> None:
    """Read the file once more and write the bytes of the records with these ascending numbers."""
    wanted = next(numbers, None)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\n")
        for item in file.reader.read(file.link, file.options):
            if wanted is None:
                return
            if isinstance(item, (NativeRecord, BrokenRecord)) and item.record_number == wanted:
                raw = item.raw[:LONGEST_KEPT]
                writer.writerow((wanted, raw_text(raw), raw.hex()))
                wanted = next(numbers, None)


def raw_text(raw: bytes) -> str:
    """Return a record's bytes as a person can read them: its text, or hexadecimal digits."""
    start = raw[: 4 * LONGEST_RAW]
    try:
        text = start.decode("utf-8", "strict" if len(start) == len(raw) else "ignore")
    except UnicodeDecodeError:
        text = start.decode("utf-8", "backslashreplace")
    text = text.rstrip("\r\n")
    if any(one < " " and one not in "\t\r\n" for one in text):
        return raw.hex()[:LONGEST_RAW]
    return text[:LONGEST_RAW]


def _write(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> int:
    written = connection.execute(f"copy ({query}) to {quote(str(path))} (format parquet)")
    counted = written.fetchone()
    return int(counted[0]) if counted else 0
