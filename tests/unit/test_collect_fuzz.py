"""Whatever lies in the inbox: no traceback, each file in the manifest, read = accepted + rejected."""

from __future__ import annotations

import csv
import io
import tempfile
from datetime import datetime
from pathlib import Path

import duckdb
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from orchestration.collect.entities import ENTITY_BY_NAME
from orchestration.collect.inbox import collect_inbox, describe_rejects, read_manifest
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
    [b"\0", b'"', b'""', b",", b"\n", b"\r", b"\r\n", b";", b"\xff", b"\xc3", b"\xe2\x80\xa8"]
    + [b"-", b" ", b"\t", b"9" * 200_000, b"x" * 3_000_000, b'"' * 999, b"\n" * 300]
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


def _collect_and_count(content: bytes, entity: str = "usage") -> tuple[str, int, int]:
    """Collect one file; return its status, records read and accepted, all sums checked."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder), project_root=Path(folder))
        inbox = settings.inbox / entity
        inbox.mkdir(parents=True)
        (inbox / "f.csv").write_bytes(content)
        (row,) = collect_inbox(settings, RECEIVED)
        assert [row] == read_manifest(settings)
        assert row.records_read == row.records_accepted + row.records_rejected
        landing = settings.landing
        with duckdb.connect() as connection:
            found = connection.execute(
                f"""
                select record_number from read_parquet('{landing}/{entity}/*/*.parquet')
                union all
                select record_number from read_parquet('{landing}/rejects/*/*.parquet')
                """
            ).fetchall()
        numbers = sorted(number for (number,) in found)
        assert numbers == list(range(1, row.records_read + 1))
        messages = describe_rejects(settings)
        assert len(messages) == row.records_rejected + (row.status == "rejected")
        assert all(len(message.splitlines()) == 1 for message in messages)
        assert not (landing / ".collecting").exists()
        assert collect_inbox(settings, RECEIVED) == []
        return row.status, row.records_read, row.records_accepted


@examples(max_examples=150, deadline=None)
@given(st.lists(EDITS, min_size=1, max_size=4))
def test_a_damaged_file_is_accounted_for(edits: list[tuple[str, int, bytes]]) -> None:
    _collect_and_count(_edit(CALLS, edits))


@examples(max_examples=50, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_behind_a_right_header_are_accounted_for(content: bytes) -> None:
    _collect_and_count(",".join(HEADER).encode() + b"\n" + content)


@examples(max_examples=30, deadline=None)
@given(st.binary(max_size=300), st.sampled_from(["utf-8", "utf-16", "latin-1", "utf-8-sig"]))
def test_any_bytes_and_any_encoding_are_accounted_for(content: bytes, encoding: str) -> None:
    _collect_and_count(content + CALLS.decode().encode(encoding))


@examples(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(TRICKY_FIELD, min_size=10, max_size=10), max_size=5),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_what_a_csv_writer_writes_is_read_record_by_record(
    records: list[list[str]], line_break: str, quoting: int
) -> None:
    records = [[field.replace("\0", "") for field in record] for record in records]
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator=line_break, quoting=quoting)  # type: ignore[arg-type]
    writer.writerows([CUSTOMER_HEADER, *records])
    _, read, _ = _collect_and_count(stream.getvalue().encode(), "customers")
    # A lone carriage return ends a line for some readers: such a record is rejected line by line.
    if not any("\r" in field.replace("\r\n", "") for record in records for field in record):
        assert read == len(records)


@examples(max_examples=25, deadline=None)
@given(st.integers(1, len(CALLS)))
def test_a_truncated_file_loses_no_whole_record(length: int) -> None:
    status, _, accepted = _collect_and_count(CALLS[:length])
    whole_lines = CALLS[:length].count(b"\n")
    assert accepted == max(0, whole_lines - 1)
    assert status == ("accepted" if whole_lines else "rejected")


@examples(max_examples=25, deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=40))
def test_any_file_name_is_data(name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder) / "home", project_root=Path(folder))
        inbox = settings.inbox / "usage"
        inbox.mkdir(parents=True)
        path = inbox / f"u{name}.csv"
        path.write_bytes(CALLS)
        (row,) = collect_inbox(settings, RECEIVED)
        assert row.file_name == path.name
        assert row.records_accepted == 12
        assert {path.name for path in Path(folder).iterdir()} == {"home"}
        assert {path.name for path in settings.home.iterdir()} == {"inbox", "landing"}
