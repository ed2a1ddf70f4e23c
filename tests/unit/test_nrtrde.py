"""NRTRDE: packed by hand, by tags alone, and read; what it tells is landed and is no usage."""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from usage_home import RECEIVED, ROOT, landed, put

from orchestration.collect.inbox import collect_inbox, describe_rejects
from orchestration.collect.readers.records import (
    BrokenRecord,
    FileFacts,
    Item,
    NativeRecord,
    ReaderOptions,
    RefusedFile,
)
from orchestration.collect.readers.registry import READERS
from orchestration.settings import Settings


def tlv(tag: str, content: bytes) -> bytes:
    """Return an element by the octets of its tag in hex."""
    size = len(content)
    length = bytes([size]) if size < 128 else b"\x82" + size.to_bytes(2, "big")
    return bytes.fromhex(tag) + length + content


IMSI = bytes.fromhex("262991234567890f")
START = tlv("55", b"20261003091206") + tlv("5f2d", b"+0200")
MOC = tlv(
    "63",
    tlv("5f22", IMSI)
    + START
    + tlv("53", b"\x3c")
    + tlv("7f2e", tlv("5f2b", b"11"))
    + tlv("5e", b"+3312345678")
    + tlv("5f23", b"33609000001")
    + tlv("57", b"\x00\xff")
    + tlv("59", b"\x07"),
)
SMS = tlv("63", tlv("5f22", IMSI) + START + tlv("7f2e", tlv("5f2b", b"22")) + tlv("5e", b"4915"))
MTC = tlv("64", tlv("5f22", IMSI) + START + tlv("53", b"\x05") + tlv("56", b"33123"))
GPRS = tlv(
    "65",
    tlv("5f22", IMSI)
    + START
    + tlv("5c", b"\x01\x00\x00\x00\x00")
    + tlv("5d", b"\x05")
    + tlv("5a", b"\x4d"),
)
HEADER = (
    tlv("5f29", b"\x02")
    + tlv("5f25", b"\x01")
    + tlv("5f26", b"FRAF1")
    + tlv("5f24", b"DEUNW")
    + tlv("5f27", b"0000042")
    + tlv("5f1f", b"20261003113000")
    + tlv("5f2d", b"+0100")
)


def nrtrde(*events: bytes, count: int | None = None) -> bytes:
    said = len(events) if count is None else count
    return tlv("61", HEADER + tlv("62", b"".join(events)) + tlv("54", bytes([said])))


def read(content: bytes) -> list[Item]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(content)
        return list(READERS["nrtrde"].read(path, ReaderOptions(ROOT / "seeds")))


def test_events_of_every_kind_are_read() -> None:
    call, sms, received, data, facts = read(nrtrde(MOC, SMS, MTC, GPRS))
    assert isinstance(call, NativeRecord)
    assert call.fields == {
        "sender": "FRAF1",
        "service": "voice",
        "direction": "outgoing",
        "imsi": "262991234567890",
        "other_number": "+3312345678",
        "started_at": "2026-10-03T09:12:06+02:00",
        "duration_seconds": "60",
        "volume_bytes": "0",
        "charge_units": "7",
        "recording_entity": "33609000001",
        "call_reference": "255",
    }
    assert call.raw == MOC
    told = [
        (one.fields["service"], one.fields["direction"], one.fields.get("other_number"))
        for one in (sms, received, data)
        if isinstance(one, NativeRecord)
    ]
    assert told == [
        ("sms", "outgoing", "4915"),
        ("voice", "incoming", "33123"),
        ("data", "outgoing", None),
    ]
    assert isinstance(data, NativeRecord)
    assert data.fields["volume_bytes"] == str(2**32 + 5)
    assert facts == FileFacts(
        node_id="FRAF1>DEUNW",
        file_sequence=42,
        declared_records=4,
        closed_at=datetime(2026, 10, 3, 10, 30),  # noqa: DTZ001
    )


def test_what_partners_report_lands_and_is_no_usage(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, project_root=ROOT)
    nobody = tlv("63", START + tlv("53", b"\x05"))
    put(settings, "nrtrde", "NRFRAF1DEUNW0000042", nrtrde(MOC, SMS, MTC, GPRS, nobody))
    (row,) = collect_inbox(settings, RECEIVED)
    assert (row.entity, row.source_id) == ("roaming_reports", "nrtrde")
    assert (row.records_read, row.records_accepted, row.records_rejected) == (5, 4, 1)
    assert (row.records_declared, row.file_sequence, row.node_id) == (5, 42, "FRAF1>DEUNW")
    assert (row.duration_seconds, row.volume_bytes) == (65, 2**32 + 5)
    assert [line.split(": ")[1] for line in describe_rejects(settings)] == ["missing_imsi"]
    assert landed(settings, "record_id") == []
    told = "imsi, service, utc_offset_minutes, duration_seconds, volume_bytes"
    assert landed(settings, told, "roaming_reports") == [
        ("262991234567890", "voice", 120, 60, 0),
        ("262991234567890", "sms", 120, 0, 0),
        ("262991234567890", "voice", 120, 5, 0),
        ("262991234567890", "data", 120, 0, 2**32 + 5),
    ]


@pytest.mark.parametrize(
    ("content", "rules"),
    [
        (nrtrde(MOC, tlv("66", b"\x01\x01\x00"), MTC), ["unknown_record_type"]),
        (nrtrde(MOC) + b"rest", ["octets_behind_file"]),
        (nrtrde(MOC) + b"\0\0", []),
        (nrtrde(MOC, MTC)[:-30], ["length_beyond_end"]),
        (nrtrde(MOC)[:2] + nrtrde(MOC)[2:].replace(b"\x5f\x27\x07", b"\x5f\x27\x06"), None),
    ],
)
def test_what_is_broken_is_told(content: bytes, rules: list[str] | None) -> None:
    items = read(content)
    broken = [one.rule for one in items if isinstance(one, BrokenRecord)]
    assert broken == rules if rules is not None else broken
    assert isinstance(items[-1], FileFacts)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"a,b\n1,2\n", tlv("62", MOC), b"\x61"])
def test_another_file_is_refused(content: bytes) -> None:
    with pytest.raises(RefusedFile, match=r"^[a-z_]+: ."):
        assert read(content) == []
        raise RefusedFile("nothing", "an element without events has no record")


@examples(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["cut", "flip", "insert", "drop"]),
            st.integers(0, 400),
            st.one_of(
                st.binary(min_size=1, max_size=4), st.sampled_from([b"\x84\xff\xff\xff\xff"])
            ),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_a_damaged_file_never_stops_the_reader(edits: list[tuple[str, int, bytes]]) -> None:
    content = nrtrde(MOC, SMS, MTC, GPRS)
    for action, position, piece in edits:
        at = position % (len(content) + 1)
        kept = {"cut": len(content), "flip": 1, "insert": 0, "drop": 9}[action]
        piece = b"" if action in ("cut", "drop") else piece[:1] if action == "flip" else piece
        content = content[:at] + piece + content[at + kept :]
    try:
        items = read(content)
    except RefusedFile as refused:
        assert len(str(refused).splitlines()) == 1
        return
    records = [one for one in items if not isinstance(one, FileFacts)]
    assert [one.record_number for one in records] == list(range(1, len(records) + 1))
    assert len(items) == len(records) + 1
