"""NetFlow and IPFIX: flows out of captures and files, what was lost, and what cannot be read."""

from __future__ import annotations

import struct
import tempfile
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from usage_home import RECEIVED, ROOT, landed, make_home, put

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

EXPORTED = 1_790_000_000
EXPORTER = "198.51.100.9"
ETHERNET, RAW = 1, 101


def read(content: bytes) -> list[Item]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(content)
        return list(READERS["flow_export"].read(path, ReaderOptions(ROOT / "seeds")))


def flows(items: list[Item], *names: str) -> list[tuple[str | None, ...]]:
    return [
        tuple(item.fields.get(name) for name in names)
        for item in items
        if isinstance(item, NativeRecord)
    ]


def broken(items: list[Item]) -> list[tuple[int, str]]:
    return [(item.record_number, item.rule) for item in items if isinstance(item, BrokenRecord)]


def facts(items: list[Item]) -> FileFacts:
    (found,) = [item for item in items if isinstance(item, FileFacts)]
    return found


# --- What exporters send


def v5(count: int = 2, sequence: int = 100, sampling: int = 0, octets: int = 1_000) -> bytes:
    """NetFlow v5: each flow begins 60 s and ends 30 s before it is exported."""
    uptime = 3_600_000
    header = struct.pack(">HHIIIIBBH", 5, count, uptime, EXPORTED, 0, sequence, 0, 3, sampling)
    record = struct.pack(
        ">4s4s4sHHIIIIHHBBBBHHBBH",
        *(ip_address("10.0.0.7").packed, ip_address("8.8.8.8").packed, bytes(4)),
        *(1, 2, 10, octets, uptime - 60_000, uptime - 30_000, 51_000, 443, 0, 24, 6, 0, 0, 0),
        *(24, 24, 0),
    )
    return header + record * count


def ipfix(*sets: bytes, sequence: int = 0) -> bytes:
    body = b"".join(sets)
    return struct.pack(">HHIII", 10, 16 + len(body), EXPORTED, sequence, 1) + body


def v9(*sets: bytes, sequence: int = 0, count: int = 1) -> bytes:
    return struct.pack(">HHIIII", 9, count, 3_600_000, EXPORTED, sequence, 1) + b"".join(sets)


def a_set(number: int, body: bytes) -> bytes:
    return struct.pack(">HH", number, 4 + len(body)) + body


ELEMENTS = ((8, 4), (12, 4), (1, 4), (22, 4), (21, 4))
TEMPLATE = struct.pack(">HH", 300, len(ELEMENTS)) + b"".join(
    struct.pack(">HH", *one) for one in ELEMENTS
)
DATA = (
    ip_address("8.8.8.8").packed
    + ip_address("10.0.0.7").packed
    + struct.pack(">III", 500, 3_540_000, 3_570_000)
)


def packet(payload: bytes, link: int = ETHERNET, sender: str = EXPORTER, tag: bytes = b"") -> bytes:
    datagram = struct.pack(">HHHH", 2055, 2055, 8 + len(payload), 0) + payload
    address = ip_address(sender)
    if address.version == 4:
        fixed = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(datagram), 0, 0, 64, 17, 0)
        network = fixed + address.packed + bytes(4) + datagram
        kind = b"\x08\x00"
    else:
        fixed = struct.pack(">IHBB", 6 << 28, len(datagram), 17, 64)
        network = fixed + address.packed + bytes(16) + datagram
        kind = b"\x86\xdd"
    return (bytes(12) + tag + kind if link == ETHERNET else b"") + network


def capture(*packets: bytes, link: int = ETHERNET, order: str = "<") -> bytes:
    header = struct.pack(f"{order}IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, link)
    return header + b"".join(
        struct.pack(f"{order}IIII", EXPORTED, 0, len(one), len(one)) + one for one in packets
    )


# --- What is read


@pytest.mark.parametrize(
    "content",
    [
        v5(),
        capture(packet(v5())),
        capture(packet(v5(), RAW), link=RAW, order=">"),
        capture(packet(v5(), tag=b"\x81\x00\x00\x07")),
        capture(packet(v5(), sender="2001:db8::9")),
    ],
)
def test_a_v5_flow_is_read_out_of_any_file(content: bytes) -> None:
    items = read(content)
    names = ("src_addr", "dst_addr", "volume_bytes", "started_ms", "lasted_seconds", "dst_port")
    start = str((EXPORTED - 60) * 1_000)
    assert flows(items, *names) == [("10.0.0.7", "8.8.8.8", "1000", start, "30.000", "443")] * 2
    assert (
        flows(items, "subscriber_addr", "uplink_bytes", "downlink_bytes")
        == [("10.0.0.7", "1000", "0")] * 2
    )
    identifiers = flows(items, "flow_id")
    assert len(set(identifiers)) == 2
    assert facts(items).lost_records == 0


def test_the_exporter_of_a_capture_is_the_node() -> None:
    items = read(capture(packet(v5()), packet(v5(sequence=102))))
    assert facts(items).node_id == EXPORTER
    assert {one for (one,) in flows(items, "exporter")} == {EXPORTER}
    both = read(capture(packet(v5()), packet(v5(), sender="198.51.100.10")))
    assert facts(both).node_id is None
    assert len(set(flows(both, "flow_id"))) == 4


def test_what_a_sampling_exporter_counts_is_multiplied() -> None:
    items = read(capture(packet(v5(sampling=(1 << 14) | 100))))
    assert (
        flows(items, "octets", "sampling_rate", "volume_bytes") == [("1000", "100", "100000")] * 2
    )


@pytest.mark.parametrize("make", [v9, ipfix])
def test_data_before_its_template_is_read_and_the_outgoing_side_is_the_subscriber(
    make: type[bytes],
) -> None:
    template = a_set(0 if make is v9 else 2, TEMPLATE)
    content = make(a_set(300, DATA)) + make(template) + make(a_set(300, DATA * 2))
    items = read(content)
    assert (
        flows(items, "volume_bytes", "subscriber_addr", "downlink_bytes")
        == [("500", "10.0.0.7", "500")] * 3
    )
    assert broken(items) == []


def test_data_whose_template_is_not_there_is_told() -> None:
    content = ipfix(a_set(300, DATA)) + ipfix(a_set(2, TEMPLATE.replace(b"\x01\x2c", b"\x01\x2d")))
    assert broken(read(content)) == [(1, "no_template")]


def test_a_gap_in_the_sequence_is_a_loss() -> None:
    whole = [packet(v5(sequence=100 + 2 * number)) for number in range(6)]
    assert facts(read(capture(*whole))).lost_records == 0
    found = facts(read(capture(*whole[:3], *whole[4:])))
    assert (found.lost_records, found.lost_records_are) == (2, "at_least")


FIELDS = """
record_id,flow_id
service,,data
direction,,outgoing
identifier,subscriber_addr
started_at,started_ms,,epoch_milliseconds
duration_seconds,lasted_seconds,,seconds
volume_bytes,uplink_bytes
volume_bytes,downlink_bytes
serving_network,,26299
node,exporter
"""
VALUES = """
subscriber_addr,10.0.0.7,4930123456
subscriber_addr,*,,unknown_address
"""


def test_a_line_with_an_address_of_its_own_is_billed_by_it(tmp_path: Path) -> None:
    source = {"source_id": "edge", "format": "flow_export", "time_zone": "Europe/Berlin"}
    settings = make_home(tmp_path, [source], FIELDS, VALUES)
    unknown = v5(sequence=104).replace(ip_address("10.0.0.7").packed, ip_address("10.0.0.8").packed)
    packets = [packet(v5(sequence=100)), packet(v5(sequence=102)), packet(unknown)]
    put(settings, "edge", "flows.pcap", capture(*packets, packet(v5(sequence=110))))
    (row,) = collect_inbox(settings, RECEIVED)
    assert describe_rejects(settings) == []
    assert (row.records_accepted, row.records_filtered, row.records_lost) == (6, 2, 4)
    assert row.node_id == EXPORTER
    shown = "identifier, duration_seconds, volume_bytes, node"
    assert landed(settings, shown) == [("4930123456", 30, 1_000, EXPORTER)] * 6


# --- What cannot be read


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (v5()[:-1], [(1, "cut_off")]),
        (v5() + b"\0\1\2\3" * 9, [(3, "bad_message")]),
        (capture(packet(v5()))[:-1], [(1, "cut_off")]),
        (capture(packet(v5())[:-1]), [(1, "cut_off")]),
        (capture(packet(v5()[:-1])), [(2, "cut_off")]),
        (capture(packet(b"\0\7junk"), packet(v5())), [(1, "undecodable")]),
        (capture(bytes(60), packet(v5())), [(1, "no_datagram")]),
        (capture(packet(v5())) + b"\xff" * 40, [(3, "bad_packet")]),
    ],
)
def test_what_is_broken_takes_no_other_along(content: bytes, found: list[tuple[int, str]]) -> None:
    items = read(content)
    assert broken(items) == found
    records = [item for item in items if isinstance(item, tuple)]
    assert [item.record_number for item in records] == list(range(1, len(records) + 1))


@pytest.mark.parametrize(
    "content", [b"", b"\0", b"\x0a\x0d\x0d\x0a" * 9, capture(packet(v5()))[:20], capture(link=9)]
)
def test_a_file_of_another_kind_is_refused(content: bytes) -> None:
    with pytest.raises(RefusedFile, match=r"^[a-z_]+: ."):
        read(content)


SOUND = (
    capture(*(packet(v5(sequence=100 + 2 * number)) for number in range(3))),
    v9(a_set(0, TEMPLATE)) + v9(a_set(300, DATA * 3)) * 3,
    ipfix(a_set(2, TEMPLATE), a_set(300, DATA * 3)) * 3,
)


@examples(max_examples=200, deadline=None)
@given(
    st.sampled_from(SOUND),
    st.lists(st.tuples(st.integers(0, 700), st.binary(max_size=4), st.booleans()), max_size=5),
)
def test_damaged_files_are_read_or_refused(
    content: bytes, edits: list[tuple[int, bytes, bool]]
) -> None:
    for position, piece, is_cut in edits:
        at = position % (len(content) + 1)
        content = content[:at] + piece + (b"" if is_cut else content[at + len(piece) :])
    try:
        items = read(content)
    except RefusedFile as refused:
        assert len(str(refused).splitlines()) == 1
        return
    records = [item for item in items if isinstance(item, tuple)]
    assert [item.record_number for item in records] == list(range(1, len(records) + 1))
