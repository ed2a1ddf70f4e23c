"""Collecting: each file of the inbox is decoded once into landing, or refused with its reason."""

from __future__ import annotations

import csv
import json
import logging
import os
import re
import shutil
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb

from orchestration.collect.decode import (
    accepted_records,
    broken_records,
    plain_source,
    quote_name,
    rejected_records,
    split_source,
)
from orchestration.collect.entities import (
    BESIDE,
    ENTITY_BY_NAME,
    FILTERED,
    INBOX_ENTITIES,
    MANIFEST,
    MANIFEST_DEFAULTS,
    REJECTS,
    USAGE_LINKS,
    Entity,
    LandingTable,
    collected_tables,
)
from orchestration.collect.kinds import quote
from orchestration.collect.mapping_check import require_sound_sources
from orchestration.collect.readers.records import FileFacts, ReaderOptions, RefusedFile
from orchestration.collect.readers.registry import READERS
from orchestration.collect.records import (
    Broken,
    Inspection,
    inspect_file,
    parse_header,
    split_records,
)
from orchestration.collect.source_files import SourceFile, decode_source_file
from orchestration.collect.sources import UsageSource, read_sources
from orchestration.collect.unpacking import plain_text
from orchestration.lib.errors import TollhouseError
from orchestration.lib.files import replace_atomically
from orchestration.settings import Settings

log = logging.getLogger(__name__)

Progress = Callable[[str], None]

WORK_FOLDER = ".collecting"
_UNFINISHED = (".tmp", ".part", ".partial", ".filepart", ".crdownload", "~")
_WORKERS = 2
_MEMORY = "300MB"
# A file of the manifest as messages name it, and whether it is the one that a person names.
_SHOWN_NAME = "coalesce(source_id, entity) || '/' || file_name"
_IS_NAMED = f"($file is null or $file in (file_name, {_SHOWN_NAME}))"


@dataclass(frozen=True)
class ManifestRow:
    """One collected file: the columns of the manifest."""

    file_id: str
    landing_sequence: int
    entity: str
    file_name: str
    received_at: datetime
    arrival_date: date
    file_sequence: int | None
    size_bytes: int
    status: str
    reason: str | None
    records_read: int
    records_accepted: int
    records_rejected: int
    duration_seconds: int
    volume_bytes: int
    source_id: str = ""
    mapping_hash: str | None = None
    records_filtered: int = 0
    rows_landed: int = 0
    node_id: str | None = None
    records_declared: int | None = None
    bytes_declared: int | None = None
    records_lost: int | None = None
    records_lost_are: str | None = None
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    audit_totals: str | None = None
    is_test: bool = False


@dataclass(frozen=True)
class Source:
    """A file that lies in the inbox, and the folder that its decoding may use.

    `usage_source` says how a file that is not in the house's format becomes usage.
    """

    entity: Entity
    path: Path
    work: Path
    usage_source: UsageSource | None = None

    @property
    def folder(self) -> str:
        """The folder of the inbox: the entity's, or that of the usage source."""
        return self.usage_source.source_id if self.usage_source else self.entity.name

    @property
    def mapping_hash(self) -> str | None:
        return self.usage_source.mapping_hash if self.usage_source else None

    @property
    def name(self) -> str:
        """The file's name as text that every store can keep, whatever bytes it has on disk."""
        return self.path.name.encode("utf-8", "backslashreplace").decode("utf-8")


@dataclass(frozen=True)
class Decoded:
    """What became of one file before it is committed: a refusal, or counts and finished files."""

    source: Source
    inspection: Inspection
    reason: str | None = None
    records_accepted: int = 0
    records_rejected: int = 0
    records_filtered: int = 0
    rows_landed: int = 0
    rows_linked: int = 0
    duration_seconds: int = 0
    volume_bytes: int = 0
    facts: FileFacts = field(default_factory=FileFacts)


class _Manifest:
    """The manifest in memory while the inbox is collected.

    A file that was refused under another mapping than its source has now is not known: it may be
    what the mapping was mended for.
    """

    def __init__(self, rows: Iterable[ManifestRow], mappings: Mapping[str, str]) -> None:
        self.mappings = mappings
        self.first: dict[tuple[str, str], ManifestRow] = {}
        self.names: set[tuple[str, str, str]] = set()
        self.received: dict[tuple[str, str, int], datetime] = {}
        self.next_sequence = 1
        for row in rows:
            self.add(row)

    def add(self, row: ManifestRow) -> None:
        self.next_sequence = max(self.next_sequence, row.landing_sequence + 1)
        mapping = self.mappings.get(row.source_id, row.mapping_hash)
        if row.status == "rejected" and row.mapping_hash != mapping:
            return
        known = self.first.setdefault((row.entity, row.file_id), row)
        if known.status == "rejected" and row.status == "accepted":
            self.first[row.entity, row.file_id] = row
        self.names.add((row.source_id, row.file_id, row.file_name))
        key = (row.source_id, row.file_name, row.size_bytes)
        self.received[key] = row.received_at.replace(tzinfo=UTC)

    def is_unchanged(self, source: Source) -> bool:
        """Whether the file was collected, and nothing was written or put in its place since."""
        status = source.path.stat()
        received_at = self.received.get((source.folder, source.name, status.st_size))
        return received_at is not None and changed_at(status) < received_at


def collect_inbox(
    settings: Settings,
    received_at: datetime,
    progress: Progress | None = None,
    settle: timedelta = timedelta(0),
) -> list[ManifestRow]:
    """Collect every new file of the inbox; return the manifest rows written, in landing order.

    The caller holds the writer's lock. The rename of a file's manifest row commits that file: a
    crash before it leaves files that no manifest row names, which readers ignore and the next
    call replaces. `received_at` is UTC without a time zone. `progress` gets one line per event. A
    file that changed less than `settle` before `received_at` may still be written and is left.
    """
    say = progress or log.info
    usage_sources = require_sound_sources(settings.seeds)
    ensure_landing(settings)
    work = settings.landing / WORK_FOLDER
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    written = []
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, work, ignore_errors=True)
        connection = stack.enter_context(_connect())
        # Calls of several records are put together on disk where memory does not do.
        connection.execute(f"set memory_limit = {quote(_MEMORY)}")
        connection.execute(f"set temp_directory = {quote(str(work / 'spill'))}")
        mappings = {name: source.mapping_hash for name, source in usage_sources.items()}
        manifest = _Manifest(_read_rows(connection, settings), mappings)
        listed = _list_inbox(settings.inbox, work, usage_sources, say)
        sources = [one for one in listed if not _may_be_written(one, received_at, settle, say)]
        for decoded in _decode_all(connection, sources, manifest, settings.seeds, say):
            row = _commit(connection, settings, decoded, manifest, received_at)
            if row is not None:
                manifest.add(row)
                written.append(row)
                say(_describe(row))
    return written


def ensure_landing(settings: Settings, issued: Sequence[LandingTable] = ()) -> None:
    """Write the zero-row Parquet of every landing table, so that reading a folder never fails.

    `issued` are the tables of frozen rows. A file whose columns are as declared stays as it is.
    """
    with _connect() as connection:
        for table in (*collected_tables(), *issued):
            path = settings.landing / table.empty_path
            if _has_columns(connection, path, table):
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            columns = ", ".join(
                f"cast(null as {sql_type}) as {quote_name(name)}"
                for name, sql_type in table.columns
            )
            temporary = path.with_name(f".{path.name}.tmp")
            _write_parquet(connection, f"select {columns} where false", temporary)
            replace_atomically(temporary, path)


def read_manifest(settings: Settings) -> list[ManifestRow]:
    """Return every manifest row in landing order; none if nothing was ever collected."""
    with _connect() as connection:
        return _read_rows(connection, settings)


def describe_rejects(
    settings: Settings, since_sequence: int = 0, file_name: str | None = None
) -> list[str]:
    """Return one line per refused file and rejected record of files after `since_sequence`.

    A line reads `usage/usage_bad.csv:7: negative_duration: duration_seconds is -5`. `file_name` is
    a file's name with or without its folder.
    """
    if not (settings.landing / MANIFEST.empty_path).is_file():
        return []
    with _connect() as connection:
        rows = connection.execute(
            f"""
            with manifest as (
                select
                    file_id, landing_sequence, {_SHOWN_NAME} as file_name, status, reason
                from {_parquet(settings, MANIFEST)}
                where landing_sequence > $since and {_IS_NAMED}
            )
            select landing_sequence, file_name, 0 as line_number, null as rule, reason
            from manifest where status = 'rejected'
            union all
            select manifest.landing_sequence, manifest.file_name,
                rejects.line_number, rejects.rule, rejects.reason
            from {_parquet(settings, REJECTS)} as rejects
            inner join manifest
                on manifest.file_id = rejects.file_id and manifest.status = 'accepted'
            order by 1, 3
            """,
            {"since": since_sequence, "file": file_name},
        ).fetchall()
    return [
        f"{one_line(name)}: {reason}"
        if rule is None
        else f"{one_line(name)}:{line}: {rule}: {reason}"
        for _, name, line, rule, reason in rows
    ]


def save_rejected(settings: Settings, path: Path, file_name: str | None = None) -> int:
    """Write the bytes of the rejected records of usage sources to a new file; return their number.

    They stand in the order of files and records, as they stood in their files: mended, or under a
    mended mapping, they can be delivered again. Raises `FileExistsError` if the file is there.
    """
    count = 0
    with path.open("xb") as stream, _connect() as connection:
        if not (settings.landing / MANIFEST.empty_path).is_file():
            return 0
        found = connection.execute(
            f"""
            select rejects.raw_bytes
            from {_parquet(settings, REJECTS)} as rejects
            inner join {_parquet(settings, MANIFEST)} as manifest
                on manifest.file_id = rejects.file_id and manifest.status = 'accepted'
            where
                rejects.raw_bytes is not null and {_IS_NAMED}
            order by manifest.landing_sequence, rejects.record_number
            """,
            {"file": file_name},
        )
        while rows := found.fetchmany(100):
            count += len(rows)
            stream.writelines(raw for (raw,) in rows)
    return count


def list_files(settings: Settings) -> list[Source]:
    """Return the inbox's files that collecting would read, in its order."""
    work = settings.landing / WORK_FOLDER
    return _list_inbox(settings.inbox, work, read_sources(settings.seeds), log.debug)


def changed_at(status: os.stat_result) -> datetime:
    """Return when a file was last written or put where it is.

    Who writes a file may date it (`st_mtime`); when it came there, nobody can (`st_ctime`).
    """
    return datetime.fromtimestamp(max(status.st_mtime, status.st_ctime), UTC)


def describe_skipped(settings: Settings) -> list[str]:
    """Return one line per thing in the inbox that is passed over, with the reason."""
    said: list[str] = []
    work = settings.landing / WORK_FOLDER
    _list_inbox(settings.inbox, work, read_sources(settings.seeds), said.append)
    return said


def one_line(text: str) -> str:
    """Return `text` with everything that is not printable replaced, for a one-line message."""
    return "".join(character if character.isprintable() else "?" for character in text)


def _connect() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(
        config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    )
    # Each worker thread runs its own query: more threads in DuckDB only cost memory here.
    connection.execute("set threads = 1")
    connection.execute("set timezone = 'UTC'")
    connection.execute("set enable_progress_bar = false")
    return connection


def _write_parquet(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> int:
    written = connection.execute(f"copy ({query}) to {quote(str(path))} (format parquet)")
    counted = written.fetchone()
    return int(counted[0]) if counted else 0


def _has_columns(connection: duckdb.DuckDBPyConnection, path: Path, table: LandingTable) -> bool:
    if not path.is_file():
        return False
    described = connection.execute(
        f"describe select * from read_parquet({quote(str(path))}, hive_partitioning=false)"
    ).fetchall()
    return [(row[0], str(row[1]).lower()) for row in described] == list(table.columns)


def _parquet(settings: Settings, table: LandingTable) -> str:
    pattern = quote(str(settings.landing / table.name / "*" / "*.parquet"))
    return f"read_parquet({pattern}, hive_partitioning=false, union_by_name=true)"


def _read_rows(connection: duckdb.DuckDBPyConnection, settings: Settings) -> list[ManifestRow]:
    if not (settings.landing / MANIFEST.empty_path).is_file():
        return []
    names = ", ".join(MANIFEST_DEFAULTS.get(one.name, one.name) for one in fields(ManifestRow))
    found = connection.execute(
        f"select {names} from {_parquet(settings, MANIFEST)} order by landing_sequence"
    ).fetchall()
    return [ManifestRow(*row) for row in found]


def _list_inbox(
    inbox: Path, work: Path, usage_sources: Mapping[str, UsageSource], say: Progress
) -> list[Source]:
    """Return the inbox's files in the order of entities and names; say what is passed over.

    The usage sources come last, in the order of their seed.
    """
    if not inbox.is_dir():
        return []
    for path in sorted(inbox.iterdir()):
        known = path.name in ENTITY_BY_NAME or path.name in usage_sources
        if not known or not path.is_dir():
            say(f"{one_line(path.name)}: skipped: not the folder of an inbox entity")
    folders: list[tuple[Entity, UsageSource | None]] = [
        *((entity, None) for entity in INBOX_ENTITIES),
        *((source.entity, source) for source in usage_sources.values()),
    ]
    sources: list[Source] = []
    for entity, usage_source in folders:
        folder = inbox / (usage_source.source_id if usage_source else entity.name)
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            reason = _reason_to_skip(path)
            if reason:
                say(f"{folder.name}/{one_line(path.name)}: skipped: {reason}")
            else:
                sources.append(Source(entity, path, work / f"{len(sources)}", usage_source))
    return sources


def _may_be_written(
    source: Source, received_at: datetime, settle: timedelta, say: Progress
) -> bool:
    if not settle:
        return False
    if changed_at(source.path.stat()) + settle <= received_at.replace(tzinfo=UTC):
        return False
    say(f"{source.folder}/{one_line(source.name)}: skipped: it may still be written")
    return True


def _reason_to_skip(path: Path) -> str:
    if path.name.startswith("."):
        return "a hidden file"
    if path.name.endswith(_UNFINISHED):
        return "a temporary name"
    return "" if path.is_file() else "not a file"


def _decode_all(
    connection: duckdb.DuckDBPyConnection,
    sources: Iterable[Source],
    manifest: _Manifest,
    seeds: Path,
    say: Progress,
) -> Iterator[Decoded]:
    """Decode a few files ahead in threads; yield them in order, each when it is its turn."""
    waiting: deque[tuple[Source, Future[Decoded | None]]] = deque()
    with ThreadPoolExecutor(_WORKERS) as pool:

        def finish() -> Iterator[Decoded]:
            source, future = waiting.popleft()
            try:
                decoded = future.result()
            except OSError as error:
                reason = error.strerror or type(error).__name__
                say(f"{source.folder}/{one_line(source.name)}: skipped: {reason}")
                return
            except duckdb.Error as error:
                reason = one_line(str(error).partition("\n")[0])
                raise TollhouseError(
                    f"{source.folder}/{one_line(source.name)}: cannot be decoded: {reason}"
                ) from error
            if decoded is not None:
                yield decoded
            shutil.rmtree(source.work, ignore_errors=True)

        for source in sources:
            cursor = connection.cursor()
            waiting.append((source, pool.submit(_decode, cursor, source, manifest, seeds)))
            if len(waiting) > _WORKERS:
                yield from finish()
        while waiting:
            yield from finish()


def _decode(
    connection: duckdb.DuckDBPyConnection, source: Source, manifest: _Manifest, seeds: Path
) -> Decoded | None:
    """Decode one file into its work folder; return nothing if it was collected before."""
    if manifest.is_unchanged(source):
        return None
    before = _fingerprint(source.path)
    delimiter = source.usage_source.delimiter if source.usage_source else ","
    inspection = inspect_file(source.path, delimiter)
    entity = source.entity
    if (source.folder, inspection.file_id, source.name) in manifest.names:
        return None
    if source.usage_source:
        entity = source.usage_source.entity
    else:
        entity = entity.as_delivered(parse_header(inspection.first_line))
    decoded = Decoded(replace(source, entity=entity), inspection)
    if (entity.name, inspection.file_id) in manifest.first:
        return decoded
    reason = None if source.usage_source else _reason_to_refuse(entity, inspection)
    if reason:
        return replace(decoded, reason=reason)
    source.work.mkdir(parents=True)
    # A link with a harmless name: DuckDB takes * and [ in a file's name for a pattern.
    link = source.work / "source"
    link.symlink_to(source.path.resolve())
    if source.usage_source:
        decoded = _decode_source(connection, decoded, source.usage_source, link, seeds)
    else:
        decoded = _decode_plain(connection, decoded, link) or _decode_split(
            connection, decoded, link
        )
    if _fingerprint(source.path) != before:
        raise OSError(0, "it changed while it was read")
    return decoded


def _decode_source(
    connection: duckdb.DuckDBPyConnection,
    decoded: Decoded,
    usage_source: UsageSource,
    link: Path,
    seeds: Path,
) -> Decoded:
    """Decode a file of a usage source through its format's reader and its mapping."""
    wanted = frozenset(usage_source.used_fields)
    options = ReaderOptions(seeds, usage_source.columns, usage_source.delimiter, wanted)
    work = decoded.source.work
    if not decoded.inspection.size_bytes:
        return replace(decoded, reason="empty_file: the file has no bytes")
    inspection = decoded.inspection
    if READERS[usage_source.format].is_text:
        try:
            plain = plain_text(link, work)
        except RefusedFile as refused:
            return replace(decoded, reason=str(refused))
        if plain != link:
            inspected = inspect_file(plain, usage_source.delimiter)
            link, inspection = plain, replace(inspected, file_id=inspection.file_id)
    judged = decode_source_file(
        connection, SourceFile(usage_source, link, work, inspection, options)
    )
    if judged.reason:
        return replace(decoded, reason=judged.reason)
    seconds, volume = _totals(connection, decoded.source.entity, work / "accepted.parquet")
    return replace(
        decoded,
        records_accepted=judged.records_accepted,
        records_rejected=judged.records_rejected,
        records_filtered=judged.records_filtered,
        rows_landed=judged.rows_landed,
        rows_linked=judged.rows_linked,
        duration_seconds=seconds,
        volume_bytes=volume,
        facts=judged.facts,
    )


def _fingerprint(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns


def _reason_to_refuse(entity: Entity, inspection: Inspection) -> str:
    """Return `rule: reason` if the whole file cannot be collected, else an empty string."""
    if not inspection.size_bytes:
        return "empty_file: the file has no bytes"
    if inspection.invalid_line is not None:
        kind = _guess_format(inspection.first_line)
        return f"not_utf8: line {inspection.invalid_line} is not UTF-8{kind}"
    header = parse_header(inspection.first_line)
    expected = list(entity.header)
    if header == expected:
        return "" if inspection.line_count else "cut_off: the file ends within its header"
    return f"wrong_header: {_compare_headers(header, expected)}"


def _guess_format(first_line: bytes) -> str:
    known = {
        b"\x1f\x8b": "gzip",
        b"PK": "Excel or zip",
        b"\xff\xfe": "UTF-16",
        b"\xfe\xff": "UTF-16",
    }
    return "".join(f" (it looks like {k})" for magic, k in known.items() if first_line[:2] == magic)


def _compare_headers(header: list[str], expected: list[str]) -> str:
    """Return in one line how a header differs from the expected one."""
    for separator, name in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
        if separator.join(header).split(separator) == expected:
            return f"columns are separated by {name}, not commas"
    missing = [name for name in expected if name not in header]
    unknown = [name for name in header if name not in expected]
    parts = (("missing", missing), ("unknown", unknown))
    if missing or unknown:
        return "; ".join(f"{what} {_list_names(names)}" for what, names in parts if names)
    return f"expected {_list_names(expected)}; found {_list_names(header)}"


def _list_names(names: list[str]) -> str:
    return ", ".join(one_line(name)[:40] or "''" for name in names[:20])


def _decode_plain(
    connection: duckdb.DuckDBPyConnection, decoded: Decoded, link: Path
) -> Decoded | None:
    """Decode a file whose lines are its records; return nothing if they turn out not to be.

    DuckDB passes over blank lines and a comma too many at a line's end. The counts of lines and
    commas tell: if they come out even, every line is a record with exactly its columns.
    """
    inspection, entity = decoded.inspection, decoded.source.entity
    separators = (len(entity.header) - 1) * inspection.line_count
    if not inspection.is_plain or inspection.comma_count != separators:
        return None
    try:
        result = _write(connection, decoded, plain_source(link, entity))
    except (duckdb.InvalidInputException, duckdb.ConversionException):
        return None
    read = result.records_accepted + result.records_rejected
    return result if read == inspection.line_count - 1 else None


def _decode_split(connection: duckdb.DuckDBPyConnection, decoded: Decoded, link: Path) -> Decoded:
    """Decode a file with quotes or broken lines: its records are first told apart one by one."""
    entity, work = decoded.source.entity, decoded.source.work
    sound_path, broken_path = work / "sound.csv", work / "broken.csv"
    sound_count = broken_count = 0
    with (
        link.open("rb") as stream,
        sound_path.open("wb") as sound,
        broken_path.open("w", encoding="utf-8", newline="") as broken_stream,
    ):
        broken = csv.writer(broken_stream, quoting=csv.QUOTE_ALL, lineterminator="\n")
        for record in split_records(stream, len(entity.header)):
            if isinstance(record, Broken):
                place = (record.record_number, record.line_number)
                broken.writerow((*place, record.rule, record.reason, record.raw))
                broken_count += 1
            else:
                place_text = b"%d,%d," % (record.record_number, record.line_number)
                sound.write(place_text + record.content + b"\n")
                sound_count += 1
    source = split_source(sound_path, entity)
    result = _write(connection, decoded, source, broken_path if broken_count else None)
    read = result.records_accepted + result.records_rejected
    if read != sound_count + broken_count:
        raise RuntimeError(f"{link}: {read} of {sound_count + broken_count} records decoded")
    return result


def _write(
    connection: duckdb.DuckDBPyConnection,
    decoded: Decoded,
    source: str,
    broken: Path | None = None,
) -> Decoded:
    """Write accepted and rejected records into the work folder and count them."""
    entity, file_id = decoded.source.entity, decoded.inspection.file_id
    accepted_path = decoded.source.work / "accepted.parquet"
    rejected_path = decoded.source.work / "rejected.parquet"
    accepted = _write_parquet(connection, accepted_records(entity, file_id, source), accepted_path)
    rejected = 0
    # A plain file that was accepted whole need not be read again for rejected records.
    if broken or not decoded.inspection.is_plain or accepted != decoded.inspection.line_count - 1:
        query = rejected_records(entity, file_id, source)
        if broken:
            query = f"{query} union all {broken_records(broken, file_id)}"
        rejected = _write_parquet(connection, f"{query} order by record_number", rejected_path)
    seconds, volume = _totals(connection, entity, accepted_path)
    return replace(
        decoded,
        records_accepted=accepted,
        records_rejected=rejected,
        rows_landed=accepted,
        duration_seconds=seconds,
        volume_bytes=volume,
    )


def _totals(connection: duckdb.DuckDBPyConnection, entity: Entity, path: Path) -> tuple[int, int]:
    """Return the seconds and bytes of the accepted records; 0 where the entity has none."""
    sums = [
        f"coalesce(sum({name}), 0)" if name in entity.header else "0"
        for name in ("duration_seconds", "volume_bytes")
    ]
    if sums == ["0", "0"]:
        return 0, 0
    found = connection.execute(
        f"select {', '.join(sums)} from read_parquet({quote(str(path))})"
    ).fetchone()
    return (int(found[0]), int(found[1])) if found else (0, 0)


def _commit(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    decoded: Decoded,
    manifest: _Manifest,
    received_at: datetime,
) -> ManifestRow | None:
    """Move a decoded file's Parquet into landing, its manifest row last; return that row."""
    source, inspection = decoded.source, decoded.inspection
    entity, file_id = source.entity.name, inspection.file_id
    if (source.folder, file_id, source.name) in manifest.names:
        return None
    row = _manifest_row(decoded, manifest, received_at)
    day = f"arrival_date={row.arrival_date.isoformat()}"
    if row.status == "accepted":
        tables = (entity, *(table.name for table in BESIDE))
        _drop_uncommitted(settings.landing, tables, file_id)
        for table, name, count in (
            (entity, "accepted", row.rows_landed),
            (REJECTS.name, "rejected", row.records_rejected),
            (FILTERED.name, "filtered", row.records_filtered),
            (USAGE_LINKS.name, "links", decoded.rows_linked),
        ):
            if count:
                target = settings.landing / table / day / f"{file_id}.parquet"
                _move(source.work / f"{name}.parquet", target)
    _write_manifest_row(connection, settings, row, source.work)
    return row


def _manifest_row(decoded: Decoded, manifest: _Manifest, received_at: datetime) -> ManifestRow:
    source, inspection = decoded.source, decoded.inspection
    first = manifest.first.get((source.entity.name, inspection.file_id))
    status = "rejected" if decoded.reason else "accepted"
    reason = decoded.reason
    if first is not None:
        status = "duplicate"
        reason = f"same_content: the same content as {one_line(first.file_name)} ({first.status})"
    counted = status == "accepted"
    digits = re.search(r"([0-9]{1,18})$", source.path.name.rsplit(".", 1)[0], re.ASCII)
    in_name = int(digits[1]) if digits else None
    facts = decoded.facts
    read = decoded.records_accepted + decoded.records_rejected + decoded.records_filtered
    totals = {name: f"{amount:f}" for name, amount in sorted(facts.totals.items())}
    return ManifestRow(
        file_id=inspection.file_id,
        landing_sequence=manifest.next_sequence,
        entity=source.entity.name,
        file_name=source.name,
        received_at=received_at,
        arrival_date=received_at.date(),
        file_sequence=in_name if facts.file_sequence is None else facts.file_sequence,
        size_bytes=inspection.size_bytes,
        status=status,
        reason=reason,
        records_read=read * counted,
        records_accepted=decoded.records_accepted * counted,
        records_rejected=decoded.records_rejected * counted,
        duration_seconds=decoded.duration_seconds * counted,
        volume_bytes=decoded.volume_bytes * counted,
        source_id=source.folder,
        mapping_hash=source.mapping_hash,
        records_filtered=decoded.records_filtered * counted,
        rows_landed=decoded.rows_landed * counted,
        node_id=facts.node_id,
        records_declared=facts.declared_records,
        bytes_declared=facts.declared_bytes,
        records_lost=facts.lost_records,
        records_lost_are=facts.lost_records_are,
        opened_at=facts.opened_at,
        closed_at=facts.closed_at,
        audit_totals=json.dumps(totals) if totals else None,
        is_test=facts.is_test,
    )


def _drop_uncommitted(landing: Path, tables: Iterable[str], file_id: str) -> None:
    """Remove what a crash left of this file on another day: it would be read beside the new."""
    for table in tables:
        for path in (landing / table).glob(f"*/{file_id}.parquet"):
            path.unlink()


def _write_manifest_row(
    connection: duckdb.DuckDBPyConnection, settings: Settings, row: ManifestRow, work: Path
) -> None:
    columns = ", ".join(
        f"cast(? as {kind}) as {quote_name(name)}" for name, kind in MANIFEST.columns
    )
    work.mkdir(parents=True, exist_ok=True)
    temporary = work / "manifest.parquet"
    connection.execute(
        f"copy (select {columns}) to {quote(str(temporary))} (format parquet)",
        [getattr(row, name) for name, _ in MANIFEST.columns],
    )
    # A duplicate has its own row beside the first, under a name of its own.
    suffix = "" if row.status == "accepted" else f"-{row.landing_sequence}"
    day = f"arrival_date={row.arrival_date.isoformat()}"
    _move(temporary, settings.landing / MANIFEST.name / day / f"{row.file_id}{suffix}.parquet")


def _move(temporary: Path, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_atomically(temporary, path)


def _describe(row: ManifestRow) -> str:
    name = f"{row.source_id}/{one_line(row.file_name)}"
    if row.status != "accepted":
        return f"{name}: {row.status}: {row.reason}"
    filtered = f", {row.records_filtered} filtered" if row.records_filtered else ""
    return f"{name}: {row.records_accepted} accepted, {row.records_rejected} rejected{filtered}"
