"""Damaged files of usage sources, taken through the whole of collecting: each is accounted for."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from usage_home import RECEIVED, ROOT, put
from usage_truth import told, write_file

from orchestration.collect import inbox
from orchestration.collect.inbox import collect_inbox, describe_rejects, read_manifest
from orchestration.sample.feeds import FEEDS, Feed
from orchestration.settings import Settings

PIECES = st.sampled_from(
    [
        *(b"\0", b'"', b";", b",", b"\n", b"\r", b"\r\n", b"\xff", b"\xe2\x80\xa8", b" ", b"-"),
        *(b"</cdr>", b"<cdr>", b" = ", b"\t", b"9" * 200_000, b'"' * 999, b"\n" * 300, b"PAR1"),
    ]
)
EDITS = st.lists(
    st.tuples(
        st.sampled_from(["cut", "flip", "insert", "drop"]),
        st.integers(0, 20_000),
        st.one_of(PIECES, st.binary(min_size=1, max_size=4)),
    ),
    min_size=1,
    max_size=4,
)


@pytest.fixture(autouse=True, scope="module")
def without_waiting_for_the_disk() -> Iterator[None]:
    """Rename without fsync: what a power cut leaves is not asked here, and the waits add up."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inbox, "replace_atomically", lambda temporary, path: temporary.replace(path))
        yield


def _edit(content: bytes, edits: list[tuple[str, int, bytes]]) -> bytes:
    for action, position, piece in edits:
        at = position % (len(content) + 1)
        kept = {"cut": len(content), "flip": 1, "insert": 0, "drop": 40}[action]
        piece = b"" if action in ("cut", "drop") else piece[:1] if action == "flip" else piece
        content = content[:at] + piece + content[at + kept :]
    return content


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.source_id)
@examples(max_examples=6, deadline=None)
@given(files=st.lists(EDITS, min_size=1, max_size=8))
def test_damaged_files_are_accounted_for(
    feed: Feed, files: list[list[tuple[str, int, bytes]]]
) -> None:
    with tempfile.TemporaryDirectory() as work:
        settings = Settings(home=Path(work) / "home", project_root=ROOT)
        path = Path(work) / "sound"
        write_file(feed, [event for event, _ in told(feed)][:9], path)
        content = path.read_bytes()
        for number, edits in enumerate(files):
            put(settings, feed.source_id, f"f{number:03d}", _edit(content, edits))
        rows = collect_inbox(settings, RECEIVED)
        assert len(rows) == len(files)
        assert rows == read_manifest(settings)
        for row in rows:
            fates = row.records_accepted + row.records_filtered + row.records_rejected
            assert row.records_read == fates
        _check_numbers(settings)
        refused = sum(row.status == "rejected" for row in rows)
        messages = describe_rejects(settings)
        assert len(messages) == sum(row.records_rejected for row in rows) + refused
        assert all(len(message.splitlines()) == 1 for message in messages)
        assert collect_inbox(settings, RECEIVED) == []


def _check_numbers(settings: Settings) -> None:
    """Check that the records of each accepted file have the numbers 1 to n, each once."""
    files = f"{settings.landing}/{{}}/*/*.parquet"
    reads = {
        table: f"read_parquet('{files.format(table)}', union_by_name=true)"
        for table in ("usage", "usage_links", "filtered", "rejects", "manifest")
    }
    with duckdb.connect() as sql:
        wrong = sql.execute(
            f"""
            with fates as (
                select distinct file_id, record_number from {reads["usage_links"]}
                union all
                select file_id, record_number from {reads["usage"]}
                where file_id not in (select file_id from {reads["usage_links"]})
                union all select file_id, record_number from {reads["filtered"]}
                union all select file_id, record_number from {reads["rejects"]}
            )
            select any_value(file_name), any_value(records_read), list_sort(list(record_number))
            from {reads["manifest"]} as manifest
            left join fates using (file_id)
            where status = 'accepted'
            group by landing_sequence
            having count(record_number) <> any_value(records_read)
                or list_sort(list(record_number)) <> range(1, any_value(records_read) + 1)
            """
        ).fetchall()
    assert all(read == 0 and numbers in (None, [None]) for _, read, numbers in wrong), wrong
