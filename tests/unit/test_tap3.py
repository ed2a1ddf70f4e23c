"""TAP3 files: what another encoder wrote is read with its amounts, and no octets do any harm."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from charging_records import TAP_FILE, encode
from charging_values import SEEDS
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from orchestration.collect.readers import ber, tap3
from orchestration.collect.readers.dictionary import read_dictionary
from orchestration.collect.readers.records import (
    BrokenRecord,
    FileFacts,
    Item,
    NativeRecord,
    ReaderOptions,
    RefusedFile,
)

OPTIONS = ReaderOptions(SEEDS)
Tree = dict[str, Any]


@pytest.fixture(autouse=True, scope="module")
def _dictionary() -> Iterator[None]:
    """Read the dictionary once: thousands of small files are read here."""
    dictionary = read_dictionary(SEEDS, "tap3")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tap3, "read_dictionary", lambda *_: dictionary)
        yield


def bcd(digits: str) -> bytes:
    return bytes.fromhex(digits + "f" * (len(digits) % 2))


def stamp(local: str, code: int) -> Tree:
    return {"a16": local.encode(), "a232": code}


def told(local: str, offset: str) -> Tree:
    return {"a16": local.encode(), "a231": offset.encode()}


def charge(amount: int, tax: int = 0, code: int = 0, refused: int = 0) -> Tree:
    """Return a charge: its total, and beside it an airtime charge that the total includes."""
    details = [
        {"a63": {"a71": b"00", "a62": amount}},
        {"a63": {"a71": b"01", "a62": amount - refused}},
    ]
    made: Tree = {"a66": b"D", "a105": code, "a64": details}
    return made | {"a214": [{"a213": {"a212": 1, "a397": tax}}]} if tax else made


def call(number: int = 0, teleservice: bytes = b"11", local: str = "20261003091206") -> Tree:
    return {
        "a9": {
            "a147": {
                "a427": {"a199": {"a129": bcd("262990000000001"), "a152": bcd("4915100000001")}},
                "a89": {"a407": bcd("447700900123")},
                "a44": stamp(local, 1),
                "a223": 61 + number,
            },
            "a138": {"a156": {"a184": 2, "a45": b"\x01\x02"}},
            "a38": [
                {
                    "a39": {
                        "a36": {"a426": {"a218": teleservice}},
                        "a70": [{"a69": charge(1234, 56)}],
                    }
                }
            ],
        }
    }


def incoming() -> Tree:
    return {
        "a10": {
            "a153": {
                "a427": {"a199": {"a129": bcd("262990000000001"), "a152": bcd("4915100000001")}},
                "a41": {"a405": bcd("493012345")},
                "a44": stamp("20261003235959", 0),
                "a223": 5,
            },
            "a138": {"a156": {"a184": 2}},
            "a38": [{"a39": {"a36": {"a426": {"a218": b"11"}}, "a70": [{"a69": charge(10)}]}}],
        }
    }


def data() -> Tree:
    return {
        "a14": {
            "a114": {
                "a115": {
                    "a427": {"a199": {"a129": bcd("262990000000001"), "a152": bcd("4915100000001")}}
                },
                "a116": {"a261": b"internet"},
                "a44": stamp("20261003120000", 1),
                "a223": 3600,
                "a72": 4711,
            },
            "a117": {"a118": {"a185": [{"a184": 1}]}},
            "a121": {
                "a250": 1_000_000,
                "a251": 234_567,
                "a70": [{"a69": charge(100, 19)}, {"a69": charge(7, 0, 1)}],
            },
        }
    }


def message() -> Tree:
    return {
        "a433": {
            "a439": 1,
            "a436": {"a152": bcd("4915100000001")},
            "a447": stamp("20261004000000", 1),
            "a443": {"a444": bcd("4915100000002")},
            "a62": 50,
        }
    }


EVENTS = (call(), incoming(), data(), message(), {"a17": {}}, {"a11": {"a206": {"a69": charge(1)}}})


def transfer(
    events: tuple[Tree, ...] = EVENTS, kind: bytes = b"", count: int | None = None
) -> bytes:
    """Return a file of a partner that sends its 42nd."""
    control: Tree = {
        "a196": b"GBRXX",
        "a182": b"DEUNW",
        "a109": b"00042",
        "a107": told("20261005000000", "+0100"),
        "a201": 3,
        "a189": 12,
    }
    tree: Tree = {
        "a4": control | ({"a110": kind} if kind else {}),
        "a5": {
            "a135": b"GBP",
            "a210": b"SDR",
            "a80": [
                {"a106": {"a105": 0, "a159": 5, "a104": 105_432}},
                {"a106": {"a105": 1, "a159": 2, "a104": 99}},
            ],
            "a244": 3,
        },
        "a6": {
            "a234": [
                {"a233": {"a232": 0, "a231": b"+0000"}},
                {"a233": {"a232": 1, "a231": b"+0100"}},
            ],
            "a188": [
                {"a183": {"a184": 1, "a186": 2, "a400": b"10.0.0.9"}},
                {"a183": {"a184": 2, "a186": 1, "a400": b"447700900000"}},
            ],
        },
        "a3": list(events),
        "a15": {
            "a101": told("20261003091206", "+0100"),
            "a133": told("20261004000000", "+0100"),
            "a415": 1402,
            "a226": 75,
            "a225": 0,
            "a43": len(events) if count is None else count,
        },
    }
    return encode(TAP_FILE, {"a1": tree})


def read(content: bytes) -> list[Item]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "CDGBRXXDEUNW00042"
        path.write_bytes(content)
        return list(tap3.TAP3.read(path, OPTIONS))


def test_events_are_read_with_what_their_codes_stand_for() -> None:
    first, second, third, fourth, _, _, _ = read(transfer())
    assert isinstance(first, NativeRecord) and isinstance(third, NativeRecord)
    assert isinstance(second, NativeRecord) and isinstance(fourth, NativeRecord)
    assert {
        name: first.fields[name]
        for name in (
            *("record_type", "sender", "recipient", "file_sequence", "event_number", "imsi"),
            *("msisdn", "called_number", "started_at", "duration_seconds", "teleservice"),
            *("recording_entity", "call_reference"),
        )
    } == {
        "record_type": "tap_voice_outgoing",
        "sender": "GBRXX",
        "recipient": "DEUNW",
        "file_sequence": "00042",
        "event_number": "1",
        "imsi": "262990000000001",
        "msisdn": "4915100000001",
        "called_number": "447700900123",
        "started_at": "2026-10-03T09:12:06+01:00",
        "duration_seconds": "61",
        "teleservice": "11",
        "recording_entity": "447700900000",
        "call_reference": "0102",
    }
    assert second.fields["started_at"] == "2026-10-03T23:59:59+00:00"
    assert second.fields["calling_number"] == "493012345"
    assert third.fields["volume_incoming_bytes"] == "1000000"
    assert third.fields["recording_entity"] == "10.0.0.9"
    assert fourth.fields["other_number"] == "4915100000002"


def test_charges_are_totals_in_the_files_decimals() -> None:
    events = [item for item in read(transfer()) if isinstance(item, NativeRecord)]
    found = [
        tuple(event.fields.get(name) for name in ("charge", "tax", "currency", "exchange_rate"))
        for event in events
    ]
    assert found == [
        ("1.234", "0.056", "SDR", "1.05432"),
        ("0.010", None, "SDR", "1.05432"),
        # Two rates: none of them is the event's.
        ("0.107", "0.019", "SDR", None),
        ("0.050", None, "SDR", None),
        (None, None, "SDR", None),
        ("0.001", None, "SDR", "1.05432"),
    ]


def test_a_file_says_what_it_holds_and_what_was_found() -> None:
    assert read(transfer())[-1] == FileFacts(
        node_id="GBRXX>DEUNW",
        file_sequence=42,
        declared_records=6,
        opened_at=datetime(2026, 10, 3, 8, 12, 6),  # noqa: DTZ001
        closed_at=datetime(2026, 10, 3, 23, 0),  # noqa: DTZ001
        totals={
            "charge": Decimal("1.402"),
            "charge_found": Decimal("1.402"),
            "tax": Decimal("0.075"),
            "tax_found": Decimal("0.075"),
            "discount": Decimal("0"),
            "discount_found": Decimal("0"),
        },
    )


def test_test_data_says_so() -> None:
    facts = read(transfer(kind=b"T"))[-1]
    assert isinstance(facts, FileFacts) and facts.is_test
    facts = read(transfer())[-1]
    assert isinstance(facts, FileFacts) and not facts.is_test


def test_a_period_without_usage_is_a_file_with_its_number() -> None:
    tree = {"a2": {"a196": b"GBRXX", "a182": b"DEUNW", "a109": b"00043"}}
    (facts,) = read(encode(TAP_FILE, tree))
    assert isinstance(facts, FileFacts)
    assert (facts.node_id, facts.file_sequence) == ("GBRXX>DEUNW", 43)


def test_an_offset_code_without_its_offset_names_itself() -> None:
    event = call()
    event["a9"]["a147"]["a44"]["a232"] = 7
    record = read(transfer((event,)))[0]
    assert isinstance(record, NativeRecord)
    assert record.fields["started_at"] == "2026-10-03T09:12:06 at an unknown offset 7"


def test_the_indefinite_form_is_the_same_file() -> None:
    content = transfer()
    plain = [item.fields for item in read(content) if isinstance(item, NativeRecord)]
    other = [item.fields for item in read(indefinite(content)) if isinstance(item, NativeRecord)]
    assert other == plain
    assert read(indefinite(content))[-1] == read(content)[-1]


def indefinite(octets: bytes) -> bytes:
    written, position = b"", 0
    while position < len(octets):
        tag, start, end, following = ber.read_element(octets, position, len(octets))
        identifier = tag.to_bytes((tag.bit_length() + 7) // 8, "big")
        if ber.is_constructed(tag):
            written += identifier + b"\x80" + indefinite(octets[start:end]) + b"\0\0"
        else:
            written += octets[position:following]
        position = following
    return written


@pytest.mark.parametrize("form", [lambda content: content, indefinite])
def test_every_truncation_keeps_whole_events_and_names_the_rest(form: Any) -> None:
    content = form(transfer())
    seen = set()
    for end in range(len(content)):
        try:
            items = read(content[:end])
        except RefusedFile as refused:
            assert str(refused).split(":")[0] in ("not_tap3", "cut_off", "length_beyond_end") or (
                "no_end_of_contents" in str(refused)
            )
            continue
        broken = [item for item in items if isinstance(item, BrokenRecord)]
        whole = [item for item in items if isinstance(item, NativeRecord)]
        assert len(broken) <= 1 and isinstance(items[-1], FileFacts)
        # Only the very last end-of-contents octets can be missing without a word.
        assert broken or end >= len(content) - 2
        if broken:
            assert content[:end].endswith(broken[0].raw)
        seen.add(len(whole))
    assert seen == set(range(len(EVENTS) + 1))


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 7)), min_size=1, max_size=4))
@examples(max_examples=300, deadline=None)
def test_bit_flips_do_no_harm(flips: list[tuple[int, int]]) -> None:
    content = bytearray(CONTENT)
    for position, bit in flips:
        content[position % len(content)] ^= 1 << bit
    try:
        items = read(bytes(content))
    except RefusedFile as refused:
        assert ": " in str(refused)
        return
    assert isinstance(items[-1], FileFacts)


CONTENT = transfer()


@given(st.binary(max_size=300))
@examples(max_examples=200, deadline=None)
def test_any_octets_are_read_or_refused(octets: bytes) -> None:
    for content in (octets, b"\x61\x80" + octets, b"\x62" + octets):
        try:
            read(content)
        except RefusedFile as refused:
            assert ": " in str(refused)


def test_a_giant_event_is_not_taken_into_memory() -> None:
    content = indefinite(transfer((call(),)))
    event = content.index(b"\x63\x80\x69\x80") + 2
    giant = content[:event] + b"\x69\x84\x7f\xff\xff\x00" + content[event + 2 :]
    (broken,) = [item for item in read(giant) if isinstance(item, BrokenRecord)]
    assert broken.rule == "length_beyond_end" and broken.position == event


def test_octets_behind_the_file_are_named() -> None:
    assert read(CONTENT + bytes(100)) == read(CONTENT)
    (broken,) = [item for item in read(CONTENT + b"\0x") if isinstance(item, BrokenRecord)]
    assert (broken.rule, broken.raw) == ("octets_behind_file", b"\0x")
