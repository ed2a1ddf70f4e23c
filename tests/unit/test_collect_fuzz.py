"""Whatever lies in the inbox: no traceback, every file and every record accounted for."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from orchestration.collect import inbox
from orchestration.collect.entities import ENTITY_BY_NAME
from orchestration.collect.inbox import (
    ManifestRow,
    collect_inbox,
    describe_rejects,
    read_manifest,
)
from orchestration.settings import Settings

RECEIVED = datetime(2026, 11, 1, 3, 0)  # noqa: DTZ001 - landing keeps UTC without a time zone
HEADER = ENTITY_BY_NAME["usage"].header
CUSTOMER_HEADER = ENTITY_BY_NAME["customers"].header


def _calls(count: int) -> bytes:
    lines = [",".join(HEADER)]
    for number in range(count):
        lines.append(
            f"r{number},voice,outgoing,49151123{number:04d},4930123456,"
            f"2026-10-03T09:{number % 60:02d}:06+02:00,{number * 6},0,26299"
        )
    return ("\n".join(lines) + "\n").encode()


CALLS = _calls(12)
POSITIONS = st.integers(0, len(CALLS) - 1)
PIECES = st.sampled_from(
    [
        *(b"\0", b'"', b'""', b",", b"\n", b"\r", b"\r\n", b";", b"\xff", b"\xc3", b"\xe2\x80\xa8"),
        *(b"-", b" ", b"\t", b"9" * 200_000, b"x" * 3_000_000, b'"' * 999, b"\n" * 300),
    ]
)
EDITS = st.one_of(
    st.tuples(st.just("cut"), POSITIONS, st.just(b"")),
    st.tuples(st.just("flip"), POSITIONS, st.binary(min_size=1, max_size=1)),
    st.tuples(st.just("insert"), POSITIONS, PIECES),
    st.tuples(st.just("drop"), POSITIONS, st.just(b"")),
)
FIELD = st.text(st.characters(codec="utf-8"), max_size=12)
TRICKY_FIELD = st.one_of(FIELD, st.sampled_from(["", ",", '"', "\n", "\r\n", " x", '"x"', "a\nb"]))


def _edit(content: bytes, edits: list[tuple[str, int, bytes]]) -> bytes:
    for action, position, piece in edits:
        if action == "cut":
            content = content[:position]
        elif action == "flip":
            content = content[:position] + piece + content[position + 1 :]
        elif action == "insert":
            content = content[:position] + piece + content[position:]
        else:
            content = content[:position] + content[position + 40 :]
    return content


@pytest.fixture(autouse=True, scope="module")
def without_waiting_for_the_disk() -> Iterator[None]:
    """Rename without fsync: what a power cut leaves is not asked here, and 30 waits add up."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inbox, "replace_atomically", lambda temporary, path: temporary.replace(path))
        yield


def _collect(contents: list[bytes], entity: str = "usage") -> list[ManifestRow]:
    """Collect files with these contents; return their manifest rows, all sums checked."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder), project_root=Path(folder))
        source = settings.inbox / entity
        source.mkdir(parents=True)
        for number, content in enumerate(contents):
            (source / f"f{number:03d}.csv").write_bytes(content)
        rows = collect_inbox(settings, RECEIVED)
        assert rows == read_manifest(settings)
        assert [row.file_sequence for row in rows] == list(range(len(contents)))
        numbers = _landed_numbers(settings, entity)
        for row in rows:
            assert row.records_read == row.records_accepted + row.records_rejected
            if row.status == "accepted":
                found = sorted(numbers.get(row.file_id, []))
                assert found == list(range(1, row.records_read + 1))
        messages = describe_rejects(settings)
        refused = sum(row.status == "rejected" for row in rows)
        assert len(messages) == sum(row.records_rejected for row in rows) + refused
        assert all(len(message.splitlines()) == 1 for message in messages)
        assert not (settings.landing / inbox.WORK_FOLDER).exists()
        assert collect_inbox(settings, RECEIVED) == []
        return rows


def _landed_numbers(settings: Settings, entity: str) -> dict[str, list[int]]:
    with duckdb.connect() as connection:
        found = connection.execute(
            f"""
            select file_id, list(record_number) from (
                select file_id, record_number
                from read_parquet('{settings.landing}/{entity}/*/*.parquet')
                union all
                select file_id, record_number
                from read_parquet('{settings.landing}/rejects/*/*.parquet')
            ) group by file_id
            """
        ).fetchall()
    return dict(found)


@examples(max_examples=15, deadline=None)
@given(st.lists(st.lists(EDITS, min_size=1, max_size=4), min_size=1, max_size=12))
def test_damaged_files_are_accounted_for(files: list[list[tuple[str, int, bytes]]]) -> None:
    _collect([_edit(CALLS, edits) for edits in files])


@examples(max_examples=10, deadline=None)
@given(st.lists(st.binary(max_size=200), min_size=1, max_size=12))
def test_any_bytes_behind_a_right_header_are_accounted_for(contents: list[bytes]) -> None:
    _collect([",".join(HEADER).encode() + b"\n" + content for content in contents])


@examples(max_examples=10, deadline=None)
@given(
    st.lists(st.binary(max_size=200), min_size=1, max_size=8),
    st.sampled_from(["utf-8", "utf-16", "latin-1", "utf-8-sig"]),
)
def test_any_bytes_and_any_encoding_are_accounted_for(contents: list[bytes], encoding: str) -> None:
    _collect([content + CALLS.decode().encode(encoding) for content in contents])


def _as_csv(records: list[list[str]], line_break: str, is_quoted: bool) -> bytes:
    stream = io.StringIO(newline="")
    dialect = csv.unix_dialect if is_quoted else csv.excel
    writer = csv.writer(stream, dialect, lineterminator=line_break)
    writer.writerows([CUSTOMER_HEADER, *records])
    return stream.getvalue().encode()


@examples(max_examples=12, deadline=None)
@given(
    st.lists(
        st.lists(st.lists(TRICKY_FIELD, min_size=10, max_size=10), max_size=4),
        min_size=1,
        max_size=8,
    ),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_what_a_csv_writer_writes_is_read_record_by_record(
    files: list[list[list[str]]], line_break: str, is_quoted: bool
) -> None:
    rows = _collect([_as_csv(records, line_break, is_quoted) for records in files], "customers")
    for row, records in zip(rows, files, strict=True):
        # Such a record is rejected line by line: its line breaks depend on the reader.
        texts = [text.replace("\r\n", "") for record in records for text in record]
        odd = any("\0" in text or "\r" in text for text in texts)
        if row.status == "accepted" and not odd:
            assert row.records_read == len(records)


@examples(max_examples=5, deadline=None)
@given(st.lists(st.integers(1, len(CALLS)), min_size=10, max_size=20, unique=True))
def test_a_truncated_file_loses_no_whole_record(lengths: list[int]) -> None:
    rows = _collect([CALLS[:length] for length in lengths])
    for row, length in zip(rows, lengths, strict=True):
        whole_lines = CALLS[:length].count(b"\n")
        assert row.records_accepted == max(0, whole_lines - 1)
        assert row.status == ("accepted" if whole_lines else "rejected")


@examples(max_examples=15, deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=40))
def test_any_file_name_is_data(name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder) / "home", project_root=Path(folder))
        source = settings.inbox / "usage"
        source.mkdir(parents=True)
        path = source / f"u{name}.csv"
        path.write_bytes(CALLS)
        (row,) = collect_inbox(settings, RECEIVED)
        assert row.file_name == path.name
        assert row.records_accepted == 12
        assert {path.name for path in Path(folder).iterdir()} == {"home"}
        assert {path.name for path in settings.home.iterdir()} == {"inbox", "landing"}
