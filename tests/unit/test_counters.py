"""Counters of network elements: both layouts of TS 32.435 and OMeS, in bounded memory."""

from __future__ import annotations

import gzip
import tempfile
import tracemalloc
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from usage_home import RECEIVED, landed, make_home, put

from orchestration.collect import inbox
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
from orchestration.collect.readers.xml_stream import DEEPEST, LONGEST_TEXT
from orchestration.collect.seed_check import check_usage_sources

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT.parent / "shared" / "samples" / "pm"

NAMED = """<?xml version="1.0" encoding="UTF-8"?>
<measCollecFile xmlns="http://www.3gpp.org/ftp/specs/archive/32_series/32.435#measCollec">
 <fileHeader fileFormatVersion="32.435 V10.0" vendorName="E" dnPrefix="SubNetwork=NW">
  <fileSender localDn="MeContext=PGW01,ManagedElement=1"/>
  <measCollec beginTime="2026-10-03T09:00:00+02:00"/></fileHeader>
 <measData><managedElement localDn="MeContext=PGW01,ManagedElement=1"/>
  <measInfo measInfoId="apn">
   <granPeriod duration="PT900S" endTime="2026-10-03T09:15:00+02:00"/>
   <measType p="1">bytesDown</measType><measType p="2">bytesUp</measType>
   <measType p="3">histogram</measType><measType p="4">idle</measType>
   <measValue measObjLdn="Apn=internet">
    <r p="1">1234567890123</r><r p="2">12.3456789</r><r p="3">1,2,3</r><r p="4"/></measValue>
   <measValue measObjLdn="Apn=ims"><r p="1">5</r><suspect>true</suspect></measValue>
  </measInfo></measData>
 <fileFooter><measCollec endTime="2026-10-03T09:15:00+02:00"/></fileFooter>
</measCollecFile>
"""
LISTED = NAMED.replace(
    NAMED[NAMED.index("<measType p") : NAMED.index("</measInfo>")],
    """<measTypes>bytesDown bytesUp histogram idle</measTypes>
   <measValue measObjLdn="Apn=internet">
    <measResults>1234567890123 12.3456789 1,2,3 NIL</measResults></measValue>
   <measValue measObjLdn="Apn=ims"><measResults>5 NIL NIL NIL</measResults>
    <suspect>true</suspect></measValue>
  """,
)
OMES = """<?xml version="1.0"?>
<OMeS version="2.3">
 <PMSetup startTime="2026-10-03T09:00:00.000+02:00:00" interval="15">
  <PMMOResult><MO dimension="network_element"><DN>PLMN-PLMN/MRBTS-7/LNBTS-7/LNCEL-1</DN></MO>
   <NE-LNBTS_1.0 measurementType="LTE_Cell_Throughput">
    <M8012C19>1000</M8012C19><M8012C20>2.5e3</M8012C20></NE-LNBTS_1.0></PMMOResult>
  <PMMOResult><MO><baseId>NE-RNC-1</baseId><localMoid>DN:WBTS-1/WCEL-1</localMoid></MO>
   <PMTarget measurementType="x"><M1000C0>-3</M1000C0></PMTarget></PMMOResult>
 </PMSetup>
</OMeS>
"""
CONTENTS = {"ts32435": NAMED, "omes": OMES}
COUNTED = "node, counter, cast(quantity as varchar), other_value, is_suspect, period_seconds"


def read(reader: str, content: bytes | str) -> list[Item]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return list(READERS[reader].read(path, ReaderOptions(ROOT / "seeds")))


def values(items: list[Item]) -> list[tuple[str | None, ...]]:
    names = ("measured_object", "counter", "quantity", "other_value", "is_suspect")
    return [
        tuple(item.fields.get(name) for name in names)
        for item in items
        if isinstance(item, NativeRecord)
    ]


def broken(items: list[Item]) -> list[tuple[int, str]]:
    return [(item.record_number, item.rule) for item in items if isinstance(item, BrokenRecord)]


@pytest.mark.parametrize("content", [NAMED, LISTED, gzip.compress(NAMED.encode())])
def test_both_layouts_and_their_gzip_hold_the_same_counters(content: bytes | str) -> None:
    items = read("ts32435", content)
    assert [one for one in values(items) if one[2] or one[3]] == [
        ("Apn=internet", "bytesDown", "1234567890123", None, "false"),
        ("Apn=internet", "bytesUp", "12.345679", None, "false"),
        ("Apn=internet", "histogram", None, "1,2,3", "false"),
        ("Apn=ims", "bytesDown", "5", None, "true"),
    ]
    assert ("Apn=internet", "idle", None, None, "false") in values(items)
    first = items[0]
    assert isinstance(first, NativeRecord)
    assert first.fields["node"] == "PGW01"
    assert first.fields["element"] == "SubNetwork=NW,MeContext=PGW01,ManagedElement=1"
    assert first.fields["started_at"] == "2026-10-03T09:00:00+02:00"
    assert first.fields["period_seconds"] == "900"
    (facts,) = [item for item in items if isinstance(item, FileFacts)]
    assert facts.node_id == "PGW01"
    assert str(facts.opened_at) == "2026-10-03 07:00:00"
    assert str(facts.closed_at) == "2026-10-03 07:15:00"


def test_omes_names_its_objects_by_dn_or_by_base_and_local_id() -> None:
    items = read("omes", OMES)
    assert values(items) == [
        ("PLMN-PLMN/MRBTS-7/LNBTS-7/LNCEL-1", "M8012C19", "1000", None, "false"),
        ("PLMN-PLMN/MRBTS-7/LNBTS-7/LNCEL-1", "M8012C20", "2500.000000", None, "false"),
        ("NE-RNC-1/WBTS-1/WCEL-1", "M1000C0", "-3.000000", None, "false"),
    ]
    nodes = [item.fields["node"] for item in items if isinstance(item, NativeRecord)]
    assert nodes == ["MRBTS-7", "MRBTS-7", "NE-RNC-1"]


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ('<r p="1">12', '<r p="9">12', "no_counter_name"),
        ('duration="PT900S"', 'duration="soon"', "bad_period"),
        ('endTime="2026-10-03T09:15:00+02:00"/>\n   <measType ', "/><measType ", "bad_period"),
    ],
)
def test_a_value_without_name_or_period_is_broken_and_its_neighbours_are_not(
    old: str, new: str, rule: str
) -> None:
    items = read("ts32435", NAMED.replace(old, new))
    assert {found for _, found in broken(items)} == {rule}
    assert len(items) == 6


def test_lists_of_other_lengths_are_one_broken_record() -> None:
    items = read("ts32435", LISTED.replace("5 NIL NIL NIL", "5 NIL"))
    assert broken(items) == [(5, "value_count")]
    assert len(values(items)) == 4


BOMB = '<!DOCTYPE m [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize("name", sorted(CONTENTS))
def test_entities_are_refused(name: str) -> None:
    head, _, rest = CONTENTS[name].partition("\n")
    with pytest.raises(RefusedFile, match="declares entities"):
        read(name, f"{head}{BOMB}{rest}")


@pytest.mark.parametrize("name", sorted(CONTENTS))
def test_a_document_type_without_entities_is_passed_over(name: str) -> None:
    head, _, rest = CONTENTS[name].partition("\n")
    assert read(name, f'{head}<!DOCTYPE x SYSTEM "x.dtd">{rest}') == read(name, f"{head}{rest}")


LONG_TAG = b'<job jobId="' + b"7" * 5_000 + b'"/>'


def _bomb() -> bytes:
    """A thousandfold: the head of a file, and then a tag again and again, in 300 KB of gzip."""
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    parts = [packer.compress(NAMED[: NAMED.index("</measInfo>")].encode())]
    parts += [packer.compress(LONG_TAG * 200) for _ in range(300)]
    return b"".join([*parts, packer.flush()])


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (_bomb(), "gzip_bomb"),
        (gzip.compress(NAMED.encode())[:-40], "cut_off"),
        (NAMED.replace("</fileFooter>", "<r " + "p" * 3_000_000), "too_long"),
        (NAMED.replace("</fileFooter>", "9" * 2 * LONGEST_TEXT), "too_long"),
        (NAMED.replace("</fileFooter>", "<a>" * (DEEPEST + 1)), "too_deep"),
        (NAMED[: NAMED.index("<fileFooter>")], "cut_off"),
        (NAMED.replace("</fileFooter>", "</other>"), "not_xml"),
    ],
)
def test_what_goes_beyond_a_bound_ends_the_file_there(content: bytes | str, rule: str) -> None:
    tracemalloc.start()
    items = read("ts32435", content)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    numbers = [item.record_number for item in items if isinstance(item, tuple)]
    assert numbers == list(range(1, len(items)))
    assert broken(items)[-1][1] == rule
    assert peak < 16_000_000


def test_a_long_file_takes_no_more_memory_than_a_short_one() -> None:
    begins, ends = NAMED.index("<measValue"), NAMED.index("</measInfo>")
    content = NAMED[:begins] + NAMED[begins:ends] * 4_000 + NAMED[ends:]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_text(content)
        tracemalloc.start()
        count = sum(1 for _ in READERS["ts32435"].read(path, ReaderOptions(ROOT / "seeds")))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert count == 5 * 4_000 + 1
    assert peak < 4_000_000


# --- Through collecting


@pytest.fixture(autouse=True, scope="module")
def without_waiting_for_the_disk() -> Iterator[None]:
    """Rename without fsync: what a power cut leaves is not asked here, and the waits add up."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inbox, "replace_atomically", lambda temporary, path: temporary.replace(path))
        yield


def test_counters_land_without_a_mapping(tmp_path: Path) -> None:
    sources = [{"source_id": "oss", "format": "ts32435"}, {"source_id": "nokia", "format": "omes"}]
    settings = make_home(tmp_path, sources, "")
    assert check_usage_sources(settings.seeds) == []
    put(settings, "oss", "A20261003.0900-0915_PGW01.xml", NAMED)
    put(settings, "nokia", "omes.xml", OMES.replace(">-3<", f">{'9' * 22}<").replace("7/", "é /"))
    rows = {row.source_id: row for row in collect_inbox(settings, RECEIVED)}
    assert (rows["oss"].entity, rows["oss"].node_id) == ("counters", "PGW01")
    assert (rows["oss"].records_read, rows["oss"].records_accepted) == (5, 5)
    assert describe_rejects(settings) == [
        "nokia/omes.xml:6: invalid_node: node is 'MRBTS-é ': spaces around it",
        "nokia/omes.xml:6: invalid_node: node is 'MRBTS-é ': spaces around it",
    ]
    assert sorted(landed(settings, COUNTED, "counters"), key=str) == [
        ("NE-RNC-1", "M1000C0", "9" * 22 + ".000000", None, False, 900),
        ("PGW01", "bytesDown", "1234567890123.000000", None, False, 900),
        ("PGW01", "bytesDown", "5.000000", None, True, 900),
        ("PGW01", "bytesUp", "12.345679", None, False, 900),
        ("PGW01", "histogram", None, "1,2,3", False, 900),
        ("PGW01", "idle", None, None, False, 900),
    ]


def test_counters_may_come_in_the_house_format_too(tmp_path: Path) -> None:
    settings = make_home(tmp_path, [{"source_id": "oss", "format": "ts32435"}], "")
    put(
        settings,
        "counters",
        "c.csv",
        "node,element,measured_object,counter,started_at,period_seconds,quantity,other_value,"
        "is_suspect\npgw01,pgw01,,bytes,2026-10-03T09:00:00Z,3600,7,,false\n"
        "pgw01,pgw01,,bytes,2026-10-03T10:00:00Z,0,7,,false\n",
    )
    collect_inbox(settings, RECEIVED)
    assert landed(settings, COUNTED, "counters") == [
        ("pgw01", "bytes", "7.000000", None, False, 3600)
    ]
    assert [line.partition(":")[2] for line in describe_rejects(settings)] == [
        "3: empty_period: period_seconds is 0: it must be 1 to 604800"
    ]


def test_a_mapping_of_counters_is_a_mistake(tmp_path: Path) -> None:
    settings = make_home(tmp_path, [{"source_id": "oss", "format": "omes"}], "identifier,node,,,")
    (problem,) = check_usage_sources(settings.seeds)
    assert "usage_source_fields.csv:2: needless_mapping: omes needs no mapping" in str(problem)


EDITS = st.lists(
    st.tuples(
        st.sampled_from(["cut", "flip", "insert"]),
        st.integers(0, 3_000),
        st.one_of(
            st.sampled_from([b"<", b"&a;", b"</r>", b'"', b"\0", b"<r>", b"\xff", b"9" * 300_000]),
            st.binary(min_size=1, max_size=4),
        ),
    ),
    min_size=1,
    max_size=4,
)


@pytest.mark.parametrize("name", sorted(CONTENTS))
@examples(max_examples=60, deadline=None)
@given(edits=EDITS, is_packed=st.booleans())
def test_damaged_files_are_read_or_refused(
    name: str, edits: list[tuple[str, int, bytes]], is_packed: bool
) -> None:
    content = gzip.compress(CONTENTS[name].encode()) if is_packed else CONTENTS[name].encode()
    for action, position, piece in edits:
        at = position % (len(content) + 1)
        behind = b"" if action == "cut" else content[at + (action == "flip") :]
        content = content[:at] + (b"" if action == "cut" else piece) + behind
    try:
        items = read(name, content)
    except RefusedFile as refused:
        assert len(str(refused).splitlines()) == 1
        return
    records = [item for item in items if isinstance(item, tuple)]
    assert [item.record_number for item in records] == list(range(1, len(records) + 1))
    assert len(items) == len(records) + 1


@examples(max_examples=4, deadline=None)
@given(files=st.lists(EDITS, min_size=1, max_size=5))
def test_damaged_files_are_accounted_for(files: list[list[tuple[str, int, bytes]]]) -> None:
    with tempfile.TemporaryDirectory() as work:
        settings = make_home(Path(work), [{"source_id": "oss", "format": "ts32435"}], "")
        for number, edits in enumerate(files):
            content = NAMED.encode()
            for _, position, piece in edits:
                at = position % (len(content) + 1)
                content = content[:at] + piece + content[at:]
            put(settings, "oss", f"f{number}.xml", content)
        rows = collect_inbox(settings, RECEIVED)
        assert len(rows) == len(files)
        for row in rows:
            assert row.records_read == row.records_accepted + row.records_rejected
        refused = sum(row.status == "rejected" for row in rows)
        assert len(describe_rejects(settings)) == refused + sum(r.records_rejected for r in rows)


# --- Real files


@pytest.mark.parametrize(
    ("name", "count", "node"),
    [
        ("onap-A20181002.0000-1000-0015-1000_5G.xml", 28, "MEC-Gbg-1"),
        ("oran-ranpm-ericsson-style-pm.xml.gz", 2_667, "nodedntest"),
    ],
)
def test_a_real_measurement_file_lands_whole(
    tmp_path: Path, name: str, count: int, node: str
) -> None:
    path = SAMPLES / name
    if not path.is_file():
        warnings.warn(f"NOT RUN: {path} is not there", stacklevel=2)
        pytest.skip(f"NOT RUN: the sample {name} is not there")
    settings = make_home(tmp_path, [{"source_id": "oss", "format": "ts32435"}], "")
    put(settings, "oss", name, path.read_bytes())
    (row,) = collect_inbox(settings, RECEIVED)
    assert (row.records_read, row.records_accepted, row.node_id) == (count, count, node)
    assert {one for (one,) in landed(settings, "node", "counters")} == {node}
