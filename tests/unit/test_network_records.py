"""Records of the network: what another encoder wrote is read, and no octets do any harm."""

from __future__ import annotations

import random
import struct
import tempfile
import time
import tracemalloc
from pathlib import Path

import pytest
from charging_records import component, encode
from charging_values import (
    FIELD_ROWS,
    RECORD_ROWS,
    SEEDS,
    Tree,
    component_at,
    oracle_of,
    packed,
    records,
)
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from orchestration.collect.readers import ber, ts32297, ts32298
from orchestration.collect.readers.ber import BerError
from orchestration.collect.readers.codecs import CODECS
from orchestration.collect.readers.dictionary import decode, read_dictionary
from orchestration.collect.readers.records import (
    BrokenRecord,
    FileFacts,
    Item,
    NativeRecord,
    ReaderOptions,
    RefusedFile,
)
from orchestration.collect.seed_check import read_seed_rules

OPTIONS = ReaderOptions(SEEDS)
DICTIONARIES = {name: read_dictionary(SEEDS, name) for name in ("ts32298", "tap3")}


def _decoded(octets: bytes, record_format: str = "ts32298") -> list[NativeRecord | BrokenRecord]:
    """Decode twice: by walking, then by the shape that the walk left."""
    fresh, used = read_dictionary(SEEDS, record_format), DICTIONARIES[record_format]
    walked = decode(octets, 0, len(octets), 1, 0, fresh)
    assert decode(octets, 0, len(octets), 1, 0, fresh) == walked
    assert decode(octets, 0, len(octets), 1, 0, used) == walked
    return walked


# What the dictionary says


@pytest.mark.parametrize("record_type", sorted(FIELD_ROWS))
def test_each_path_leads_to_the_field_that_the_standard_names(record_type: str) -> None:
    for row in FIELD_ROWS[record_type]:
        way, _ = component_at(record_type, row["tag_path"])
        steps = row["standard_name"].split(".")
        named = iter(way)
        assert all(step in named for step in steps), row
        assert row["tag_path"].endswith("u10") or way[-1] == steps[-1], row


def test_every_record_type_has_the_tag_of_the_standard() -> None:
    for record_type, row in RECORD_ROWS.items():
        names, _ = component(oracle_of(record_type), row["record_tag"])
        assert names[-1].endswith("Record") or record_type.startswith("tap_"), record_type


def test_every_codec_may_stand_in_the_dictionary() -> None:
    allowed = read_seed_rules(SEEDS)["cdr_fields"].allowed["codec"]
    assert sorted(allowed) == sorted(CODECS)


# Round trips


@given(records())
@examples(max_examples=200, deadline=None)
def test_what_another_encoder_wrote_is_read(
    drawn: tuple[str, Tree, list[dict[str, str]]],
) -> None:
    record_type, tree, expected = drawn
    octets, record_format = encode(oracle_of(record_type), tree), RECORD_ROWS[record_type]["format"]
    read = _decoded(octets, record_format)
    assert [record.fields for record in read if isinstance(record, NativeRecord)] == expected
    assert {record.raw for record in read} == {octets}
    assert _indefinite(octets) != octets
    assert [record.fields for record in _decoded(_indefinite(octets), record_format)] == expected


def _indefinite(octets: bytes) -> bytes:
    """Write every constructed element anew with an indefinite length."""
    written, position = b"", 0
    while position < len(octets):
        tag, start, end, following = ber.read_element(octets, position, len(octets))
        identifier = tag.to_bytes((tag.bit_length() + 7) // 8, "big")
        if ber.is_constructed(tag):
            written += identifier + b"\x80" + _indefinite(octets[start:end]) + b"\0\0"
        else:
            written += octets[position:following]
        position = following
    return written


@given(st.binary(max_size=300), st.sampled_from(sorted(CODECS)))
@examples(deadline=None)
def test_a_codec_gives_one_line_of_text_or_refuses(content: bytes, codec: str) -> None:
    try:
        text = CODECS[codec](content)
    except ValueError:
        return
    assert "\n" not in text and "\0" not in text


@pytest.mark.parametrize(
    ("codec", "content", "text"),
    [
        ("tbcd", "62029900000001f1", "262099000000101"),
        ("tbcd", "21acf3", "12a*3"),
        ("number", "9194510000000010", "+49150000000001"),
        ("number", "a14951f0", "N94150"),
        ("number", "814951f0", "94150"),
        ("number", "1183214365", "+123456"),
        ("sms_number", "0b9194510000000010", "+49150000000"),
        ("plmn", "62f299", "26299"),
        ("plmn", "130014", "310410"),
        ("integer", "ff", "-1"),
        ("integer", "00ff", "255"),
        ("timestamp", "2610030912062b0200", "2026-10-03T09:12:06+02:00"),
        ("timestamp", "2610030912062d0330", "2026-10-03T09:12:06-03:30"),
        ("time_zone", "8000", "+02:00"),
        ("time_zone", "4a00", "-06:00"),
        ("bits", "0340", "1"),
    ],
)
def test_octets_as_the_standard_gives_them(codec: str, content: str, text: str) -> None:
    assert CODECS[codec](bytes.fromhex(content)) == text


@pytest.mark.parametrize(
    ("codec", "content"),
    [
        ("tbcd", "1f10"),
        ("tbcd", "ff"),
        ("tbcd", ""),
        ("number", ""),
        ("number", "d0"),
        ("number", "11"),
        ("timestamp", "2613030912062b0200"),
        ("timestamp", "2610030912062a0200"),
        ("timestamp", "26100309120a2b0200"),
        ("plmn", "62f2"),
        ("ip_address", "0a0000"),
        ("ia5", "410a"),
        ("boolean", "0000"),
        ("integer", ""),
        ("bits", "0801"),
    ],
)
def test_octets_that_are_no_such_value_are_refused(codec: str, content: str) -> None:
    with pytest.raises(ValueError):
        CODECS[codec](bytes.fromhex(content))


def test_a_value_that_its_codec_refuses_stands_as_its_octets() -> None:
    (record,) = _decoded(bytes.fromhex("a004" + "9702" + "ffff"))
    assert isinstance(record, NativeRecord)
    (record,) = _decoded(bytes.fromhex("a005" + "9703" + "26aabb"))
    assert record.fields["answered_at"] == "0x26aabb"


@pytest.mark.parametrize(
    ("tags", "outcome", "is_first"),
    [
        ({"22": b"", "23": b"", "33": 1}, "done", "true"),
        ({"22": b"", "23": b"", "33": 2}, "done", "false"),
        ({"22": b""}, "not_answered", "true"),
    ],
)
def test_a_call_that_was_only_tried_and_one_that_goes_on_say_so(
    tags: Tree, outcome: str, is_first: str
) -> None:
    (record,) = _decoded(encode(oracle_of("voice_outgoing"), {"0": tags}))
    assert isinstance(record, NativeRecord)
    assert (record.fields["outcome"], record.fields["is_first_partial"]) == (outcome, is_first)


def test_a_message_that_was_not_delivered_has_failed() -> None:
    (record,) = _decoded(encode(oracle_of("sms_outgoing"), {"6": {"10": {"0": 38}}}))
    assert isinstance(record, NativeRecord)
    assert (record.fields["outcome"], record.fields["failure"]) == ("failed", "38")


def test_a_tag_nobody_knows_is_kept_under_its_path() -> None:
    (record,) = _decoded(bytes.fromhex("a00b" + "800100" + "bf8148027e00" + "5e00"))
    assert isinstance(record, NativeRecord)
    assert record.fields["record_type_code"] == "0"
    assert record.fields["unknown_tags"] == "200=7e00;a30="


def test_a_field_that_repeats_keeps_all_its_values() -> None:
    address = "8004" + "0a00000{}"
    octets = bytes.fromhex("bf4e0e" + "a60c" + address.format(1) + address.format(2))
    (record,) = _decoded(octets)
    assert record.fields["serving_node_address"] == "10.0.0.1,10.0.0.2"


def test_traffic_volumes_are_no_usage_beside_service_data() -> None:
    tree = {"79": {"34": [{"u16": {"1": 10, "12": 5}}], "12": [{"u16": {"3": 5}}] * 2}}
    (record,) = _decoded(encode(oracle_of("data_packet_gateway"), tree))
    assert isinstance(record, NativeRecord)
    assert (record.fields["part_count"], record.fields["other_part_count"]) == ("1", "2")
    assert record.fields["volume_uplink_bytes"] == "5"


def test_only_the_wanted_fields_are_decoded() -> None:
    wanted = read_dictionary(SEEDS, "ts32298", frozenset({"msisdn"}))
    octets = bytes.fromhex("a00d" + "800100" + "83029149" + "5e0100" + "9f2000")
    for _ in range(2):
        (record,) = decode(octets, 0, len(octets), 1, 0, wanted)
        assert record.fields == {
            "record_type": "voice_outgoing",
            "service": "voice",
            "direction": "outgoing",
            "msisdn": "+94",
        }


# Bad octets


@given(records(), st.data())
@examples(max_examples=30, deadline=None)
def test_no_truncation_and_no_bit_flip_does_harm(
    drawn: tuple[str, Tree, list[dict[str, str]]], data: st.DataObject
) -> None:
    record_type, tree, _ = drawn
    octets, record_format = encode(oracle_of(record_type), tree), RECORD_ROWS[record_type]["format"]
    for end in range(len(octets)):
        (cut,) = decode(octets[:end], 0, end, 1, 0, DICTIONARIES[record_format])
        assert isinstance(cut, BrokenRecord) and cut.raw == octets[:end]
        assert cut.rule in ("cut_off", "length_beyond_end")
    flipped = bytearray(octets)
    for _ in range(data.draw(st.integers(1, 6))):
        flipped[data.draw(st.integers(0, len(octets) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    for record in _decoded(bytes(flipped), record_format):
        assert record.raw == bytes(flipped)
        if isinstance(record, BrokenRecord):
            assert record.rule and "\n" not in record.reason


@given(st.binary(max_size=400))
@examples(max_examples=400, deadline=None)
def test_random_octets_are_a_record_or_broken(octets: bytes) -> None:
    for record in _decoded(b"\xbf\x4f" + octets):
        assert record.raw == b"\xbf\x4f" + octets


@pytest.mark.parametrize(
    ("octets", "rule"),
    [
        (b"", "cut_off"),
        (b"\xbf", "cut_off"),
        (b"\xa0\x85\xff\xff\xff\xff\xff", "length_beyond_end"),
        (b"\xa0\xff" + b"\xff" * 127, "bad_length"),
        (b"\xbf\xff\xff\xff\xff\x01\x00", "bad_tag"),
        (b"\xa0\x80" * 5_000 + b"\0\0" * 5_000, "too_deep"),
        (b"\xa0\x80\x80\x01\x00", "no_end_of_contents"),
        (b"\xa0\x02\x80\x80", "bad_length"),
        (b"\xa0\x03\x80\x05\x00", "length_beyond_end"),
        (b"\xbf\x4f\x01\x80", "cut_off"),
        (b"\xbe\x00", "unknown_record_type"),
        (b"\xa0\x00\x01", "octets_behind_record"),
    ],
)
def test_each_fault_has_its_rule(octets: bytes, rule: str) -> None:
    (record,) = _decoded(octets)
    assert isinstance(record, BrokenRecord)
    assert record.rule == rule


def test_nesting_costs_neither_stack_nor_time() -> None:
    inner = b""
    for _ in range(20_000):
        inner = b"\xbd" + _length(len(inner)) + inner
        if len(inner) > 60_000:
            break
    octets = b"\xa0" + _length(len(inner)) + inner
    began = time.process_time()
    (record,) = _decoded(octets)
    assert isinstance(record, NativeRecord)  # An unknown tag is not looked into.
    indefinite = b"\xa0\x80" + b"\xa1\x80" * 30_000
    assert isinstance(_decoded(indefinite)[0], BrokenRecord)
    assert time.process_time() - began < 5


def _length(size: int) -> bytes:
    return bytes([size]) if size < 128 else b"\x84" + size.to_bytes(4, "big")


def test_what_is_remembered_of_shapes_is_bounded() -> None:
    fresh = read_dictionary(SEEDS, "ts32298")
    chance = random.Random(1)  # noqa: S311
    tracemalloc.start()
    for _ in range(5_000):
        octets = b"".join(
            bytes([0x80 | chance.randrange(30), size := chance.randrange(40)]) + bytes(size)
            for _ in range(8)
        )
        octets = b"\xa0" + _length(len(octets)) + octets
        decode(octets, 0, len(octets), 1, 0, fresh)
    assert tracemalloc.get_traced_memory()[1] < 40_000_000
    tracemalloc.stop()


# Files


def _call(number: int) -> bytes:
    return encode(
        oracle_of("voice_outgoing"),
        {"0": {"0": 0, "1": packed(f"26299{number:010}"), "25": number}},
    )


def _framed(records: list[bytes], *, count: int | None = None, lost: int = 0) -> bytes:
    """Return a file of TS 32.297, whose odd records have the longer header of later releases."""
    body = b"".join(
        struct.pack(">HBB", len(record), 0x40, 0x20) + record
        if index % 2
        else struct.pack(">HBBB", len(record), 0xE0, 0x20, 1) + record
        for index, record in enumerate(records)
    )
    node = bytes(10) + b"\xff\xff\x0a\x00\x00\x01" + bytes(4)
    declared = len(records) if count is None else count
    counts = struct.pack(">IIIIB20sB", 0, 0, declared, 77, 0, node, lost)
    rest = b"\x40\x40" + counts + struct.pack(">H4sH", 4, b"abcd", 0)
    size = 8 + len(rest)
    header = struct.pack(">II", size + len(body), size) + rest
    return header + body


def _read(reader: ts32297.Reader, tmp_path: Path, content: bytes) -> list[Item]:
    path = tmp_path / "file"
    path.write_bytes(content)
    return list(reader.read(path, OPTIONS))


def test_a_file_says_what_it_holds_and_holds_it(tmp_path: Path) -> None:
    content = _framed([_call(number) for number in range(50)], lost=130)
    facts, *read = _read(ts32297.TS32297, tmp_path, content)
    assert facts == FileFacts(
        node_id="10.0.0.1",
        file_sequence=77,
        declared_records=50,
        declared_bytes=len(content),
        lost_records=2,
        lost_records_are="exact",
    )
    assert [record.record_number for record in read] == list(range(1, 51))
    assert [record.fields["duration_seconds"] for record in read] == [str(n) for n in range(50)]
    for record in read:
        assert record.raw in content[record.position : record.position + len(record.raw) + 5]


@pytest.mark.parametrize(
    ("indicator", "lost", "how"),
    [
        (0, 0, "exact"),
        (1, 1, "at_least"),
        (127, 127, "at_least"),
        (128, 1, "at_least"),
        (129, 1, "exact"),
        (254, 126, "exact"),
        (255, 127, "at_least"),
    ],
)
def test_the_lost_record_indicator_says_how_many(indicator: int, lost: int, how: str) -> None:
    header = ts32297.Header(0, 0, 0, 0, 0, bytes(20), indicator)
    facts = ts32297.facts_of(header)
    assert (facts.lost_records, facts.lost_records_are) == (lost, how)


def test_every_octet_of_a_cut_file_is_in_a_record(tmp_path: Path) -> None:
    content = _framed([_call(number) for number in range(4)])
    header = ts32297.read_header(content, len(content)).header_length
    for end in range(header, len(content)):
        _, *read = _read(ts32297.TS32297, tmp_path, content[:end])
        whole = [record for record in read if isinstance(record, NativeRecord)]
        broken = [record for record in read if isinstance(record, BrokenRecord)]
        assert len(whole) + len(broken) == len(read) and len(broken) <= 1
        # A record's header is of 5 octets and 4, in turns; of a broken one it is kept.
        covered = sum(len(record.raw) for record in read)
        covered += sum(5 if record.record_number % 2 else 4 for record in whole)
        # A lone 0x00 at the end may be padding.
        assert covered == end - header or (covered, content[end - 1]) == (end - header - 1, 0)
        for record in broken:
            assert record.rule == "cut_off"
            assert record.position + len(record.raw) == end
    for end in range(header):
        with pytest.raises(RefusedFile):
            _read(ts32297.TS32297, tmp_path, content[:end])


def test_one_broken_record_does_not_touch_the_next(tmp_path: Path) -> None:
    broken = bytearray(_call(1))
    broken[3] = 0x7F
    content = _framed([_call(0), bytes(broken), _call(2)])
    _, first, second, third = _read(ts32297.TS32297, tmp_path, content)
    assert isinstance(first, NativeRecord) and isinstance(third, NativeRecord)
    assert isinstance(second, BrokenRecord)
    assert (second.record_number, second.rule, second.raw) == (
        2,
        "length_beyond_end",
        bytes(broken),
    )


def test_another_encoding_is_named(tmp_path: Path) -> None:
    content = bytearray(_framed([_call(0)]))
    header = ts32297.read_header(bytes(content), len(content)).header_length
    content[header + 3] = 0x40
    _, record = _read(ts32297.TS32297, tmp_path, bytes(content))
    assert isinstance(record, BrokenRecord)
    assert record.rule == "unsupported_encoding"


@pytest.mark.parametrize("filler", [b"\0", b"\xff"])
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 8, 2_048])
def test_padding_between_records_is_passed_over(filler: bytes, size: int, tmp_path: Path) -> None:
    padding = filler * size
    bare = padding + _call(1) + padding + _call(2) + padding
    read = _read(ts32298.TS32298, tmp_path, bare)
    assert [record.fields["duration_seconds"] for record in read] == ["1", "2"]
    assert [record.position for record in read] == [size, 2 * size + len(_call(1))]
    if size == 1:
        return  # In a framed file one octet alone may as well be half of a length.
    content = _framed([_call(1), _call(2)])
    header = ts32297.read_header(content, len(content)).header_length
    first = header + 5 + len(_call(1))
    content = content[:first] + padding + content[first:] + padding
    _, *read = _read(ts32297.TS32297, tmp_path, content)
    assert [record.fields["duration_seconds"] for record in read] == ["1", "2"]


@given(st.binary(max_size=2_000))
@examples(max_examples=120, deadline=None)
def test_any_octets_are_records_or_broken_or_refused(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        _read_all(Path(folder) / "file", content)


def _read_all(path: Path, content: bytes) -> None:
    framed = _framed([_call(1)])
    header = ts32297.read_header(framed, len(framed)).header_length
    for reader, octets in (
        (ts32298.TS32298, content),
        (ts32297.TS32297, content),
        (ts32297.TS32297, framed[:header] + content),
        (ts32297.TS32297, framed + content),
    ):
        path.write_bytes(octets)
        try:
            for item in reader.read(path, OPTIONS):
                assert isinstance(item, NativeRecord | BrokenRecord | FileFacts)
        except RefusedFile as refused:
            assert ": " in str(refused)


def test_a_long_file_is_read_in_constant_memory(tmp_path: Path) -> None:
    path = tmp_path / "long"
    block = b"".join(
        struct.pack(">HBB", len(record), 0x40, 0x20) + record
        for record in (_call(number) for number in range(1_000))
    )
    head = _framed([])
    head = head[:18] + struct.pack(">I", 30_000) + head[22:]
    with path.open("wb") as stream:
        stream.write(head)
        for _ in range(30):
            stream.write(block)
    tracemalloc.start()
    count = sum(isinstance(item, NativeRecord) for item in ts32297.read(path, OPTIONS))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 30_000
    assert peak < 6_000_000


def test_a_length_of_gigabytes_takes_no_memory(tmp_path: Path) -> None:
    tracemalloc.start()
    items = _read(ts32298.TS32298, tmp_path, _call(1) + b"\xa0\x84\x7f\xff\xff\xff" + bytes(1_000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert isinstance(items[0], NativeRecord) and isinstance(items[1], BrokenRecord)
    assert items[1].rule == "length_beyond_end" and len(items[1].raw) == 1_006
    assert peak < 12_000_000


def test_deep_octets_raise_nothing_but_their_own_error() -> None:
    with pytest.raises(BerError):
        ber.read_element(b"\x30\x80" * 100, 0, 200)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    for reader in (ts32297.TS32297, ts32298.TS32298):
        with pytest.raises(RefusedFile):
            _read(reader, tmp_path, b"")
