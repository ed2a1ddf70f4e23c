"""Text files that come gzipped or in UTF-16 are the same usage; what is a bomb is refused."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from usage_home import RECEIVED, landed, make_home, put

from orchestration.collect import unpacking
from orchestration.collect.inbox import collect_inbox, describe_rejects
from orchestration.settings import Settings

FIELDS = """
record_id,id
service,,sms
direction,,outgoing
identifier,a
other_number,b
started_at,at
duration_seconds,,0
volume_bytes,,0
serving_network,,26299
"""
TEXT = "id;a;b;at\nr1;491511234567;4930123;2026-10-03T09:12:06Z\nr2;491511234567;49301;x\n"


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    source = {"source_id": "texts", "format": "csv", "delimiter": "semicolon"}
    return make_home(tmp_path, [source], FIELDS)


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        gzip.compress(TEXT.encode()),
        gzip.compress(TEXT[:20].encode()) + gzip.compress(TEXT[20:].encode()),
        TEXT.encode("utf-16"),
        b"\xfe\xff" + TEXT.encode("utf-16-be"),
        gzip.compress(TEXT.encode("utf-16")),
    ],
    ids=["plain", "gzip", "gzip_in_two", "utf16", "utf16_big_endian", "utf16_in_gzip"],
)
def test_a_text_is_the_same_usage_however_it_is_packed(home: Settings, content: bytes) -> None:
    put(home, "texts", "calls_1.csv.gz", content)
    (row,) = collect_inbox(home, RECEIVED)
    assert (row.records_accepted, row.records_rejected) == (1, 1)
    assert row.size_bytes == len(content)
    assert landed(home, "record_id") == [("r1",)]
    (told,) = landed(home, "raw", "rejects")
    assert told == ("r2;491511234567;49301;x",)
    assert collect_inbox(home, RECEIVED) == []


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (gzip.compress(TEXT.encode())[:-9], "cut_off"),
        (b"\x1f\x8b\x07" + TEXT.encode(), "not_gzip"),
        (gzip.compress(TEXT.encode()) + b"rest", "not_gzip"),
        (TEXT.encode("utf-16") + b"x", "not_utf16"),
    ],
    ids=["cut_off", "other_method", "something_behind", "odd_utf16"],
)
def test_what_cannot_be_unpacked_is_refused(home: Settings, content: bytes, rule: str) -> None:
    put(home, "texts", "calls_1.csv", content)
    (row,) = collect_inbox(home, RECEIVED)
    assert row.status == "rejected"
    assert describe_rejects(home)[0].startswith(f"texts/calls_1.csv: {rule}: ")


def test_a_bomb_is_refused_before_it_fills_the_disk(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "ALWAYS_ALLOWED", 1 << 20)
    put(home, "texts", "bomb.csv.gz", gzip.compress(bytes(8_000_000)))
    put(home, "texts", "calls.csv.gz", gzip.compress(TEXT.encode()))
    bomb, calls = collect_inbox(home, RECEIVED)
    assert str(bomb.reason).startswith("unpacks_too_far: ")
    assert calls.records_accepted == 1
