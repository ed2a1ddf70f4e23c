"""Readers of usage files: every record of a file is told, sound or broken, whatever its bytes."""

from __future__ import annotations

import re
import tempfile
import tracemalloc
import warnings
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from usage_home import RECEIVED, landed, make_home, put

from orchestration.collect.inbox import collect_inbox, describe_rejects, save_rejected
from orchestration.collect.readers.freeswitch import LONGEST_XML
from orchestration.collect.readers.records import (
    BrokenRecord,
    Item,
    NativeRecord,
    ReaderOptions,
    RefusedFile,
)
from orchestration.collect.readers.registry import READERS, describe_formats

ROOT = Path(__file__).parents[2]
VOIP = ROOT.parent / "shared" / "samples" / "voip"

ASTERISK = (
    '"","1001","0033123456789","from-internal","""Ann"" <1001>","SIP/1001-1","SIP/trunk-2",'
    '"Dial","SIP/trunk/0033123456789,60","2026-10-03 09:12:00","2026-10-03 09:12:06",'
    '"2026-10-03 09:13:06",66,60,"ANSWERED","DOCUMENTATION","pbx-1790925120.7",""\n'
)
FREESWITCH_CSV = (
    '"Ann","1001","0033123456789","default","2026-10-03 09:12:00","2026-10-03 09:12:06",'
    '"2026-10-03 09:13:06","66","60","NORMAL_CLEARING","96aa82fe-7bd1-11e5-a230-5c514f6a0f72",'
    '"","1000","PCMU","PCMU"\n'
)
FREESWITCH_XML = """<?xml version="1.0"?>
<cdr core-uuid="c0de" switchname="fs1">
  <channel_data><state>CS_REPORTING</state></channel_data>
  <variables>
    <uuid>96aa82fe-7bd1-11e5-a230-5c514f6a0f72</uuid>
    <sip_from_user>%2B491511234567</sip_from_user>
    <answer_uepoch>1790925126000000</answer_uepoch>
    <billmsec>59500</billmsec>
    <hangup_cause>NORMAL_CLEARING</hangup_cause>
    <caller_name>M%C3%BCller%20%26%20Co</caller_name>
  </variables>
  <callflow><caller_profile><destination_number>0033123456789</destination_number>
  </caller_profile></callflow>
</cdr>
"""
RADIUS = """Fri Oct  2 09:12:06 2026
\tAcct-Status-Type = Stop
\tAcct-Session-Id = "4D2BB8AC-00000098"
\tUser-Name = "a\\"b"
\tCalling-Station-Id = "+491511234567"
\tNAS-IP-Address = 198.51.100.7
\tAcct-Session-Time = 3600
\tAcct-Input-Octets = 15
\tAcct-Input-Gigawords = 1
\tAcct-Output-Octets = 4294967295
\tAcct-Delay-Time = 5
\tTimestamp = 1790928731

"""
CHF_JSON = """{
 "subscriberIdentifier": "imsi-262991234567890",
 "invocationSequenceNumber": 2,
 "multipleUnitUsage": [
  {"ratingGroup": 10, "usedUnitContainer": [
   {"localSequenceNumber": 3, "uplinkVolume": 5, "downlinkVolume": 4294967296, "note": "\\u00e4ö"},
   {"localSequenceNumber": 4, "totalVolume": "7", "pDUContainerInformation": {
    "timeofFirstUsage": "2026-10-03T07:12:06Z", "servingNodeID": [{
     "servingNetworkFunctionInformation": {"nFPLMNID": {"mcc": "208", "mnc": "01"}}}]}}]},
  {"ratingGroup": 20, "UsedUnitContainer": [{"localSequenceNumber": 5, "time": 60}]}],
 "pDUSessionChargingInformation": {
  "chargingId": 12345678901234567890,
  "userInformation": {"servedGPSI": "msisdn-491511234567", "unauthenticatedFlag": false},
  "pduSessionInformation": {"servingCNPlmnId": {"mcc": "262", "mnc": "99"}}}}
"""
SAMPLES = {
    "csv": "id,n\n" + "r1,1\n" * 3,
    "asterisk_csv": ASTERISK * 3,
    "freeswitch_csv": FREESWITCH_CSV * 3,
    "freeswitch_xml": FREESWITCH_XML * 3,
    "radius_detail": RADIUS * 3,
    "chf_json": f"[{CHF_JSON},{CHF_JSON}]",
}


OPTIONS = ReaderOptions(ROOT / "seeds")


def read(reader: str, content: bytes | str, columns: Iterable[str] = ()) -> list[Item]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        options = ReaderOptions(ROOT / "seeds", tuple(columns))
        return list(READERS[reader].read(path, options))


def only(items: list[Item]) -> NativeRecord:
    (item,) = items
    assert isinstance(item, NativeRecord)
    return item


def broken(items: list[Item]) -> list[tuple[int, int, str]]:
    return [
        (item.record_number, item.position, item.rule)
        for item in items
        if isinstance(item, BrokenRecord)
    ]


# --- Asterisk


def test_a_row_of_asterisk_has_the_columns_of_cdr_csv() -> None:
    record = only(read("asterisk_csv", ASTERISK))
    assert record.fields["dst"] == "0033123456789"
    assert record.fields["clid"] == '"Ann" <1001>'
    assert record.fields["lastdata"] == "SIP/trunk/0033123456789,60"
    assert (record.fields["billsec"], record.fields["disposition"]) == ("60", "ANSWERED")
    assert record.fields["uniqueid"] == "pbx-1790925120.7"
    assert "accountcode" not in record.fields
    assert record.raw == ASTERISK.encode()


def test_asterisk_may_add_columns_or_order_them_otherwise() -> None:
    later = ASTERISK.strip() + ',"","pbx-1790925120.6",9\n'
    assert only(read("asterisk_csv", later)).fields["linkedid"] == "pbx-1790925120.6"
    custom = only(read("asterisk_csv", '"Ann","1001",60\n', ["clid", "src", "billsec"]))
    assert custom.fields == {"clid": "Ann", "src": "1001", "billsec": "60"}
    assert broken(read("asterisk_csv", '"Ann",60\n', ["clid", "src", "billsec"])) == [
        (1, 1, "column_count")
    ]


def test_bytes_that_are_not_utf_8_harm_only_their_field() -> None:
    record = only(read("asterisk_csv", ASTERISK.encode().replace(b"Ann", b"\xa5\xa5b")))
    assert record.fields["clid"] == '"\\xa5\\xa5b" <1001>'
    assert record.fields["src"] == "1001"


ASTERISK_FIELDS = """
record_id,linkedid
record_id,dst,,,outgoing
service,,voice
direction,dcontext
identifier,src,,dialled
other_number,dst,,dialled
started_at,answer
duration_seconds,billsec
volume_bytes,,0
serving_network,,26299
"""
ASTERISK_VALUES = """
disposition,ANSWERED
disposition,*,,not_answered
dcontext,from-internal,outgoing
"""


def test_the_legs_of_a_call_through_asterisk_are_billed_once(tmp_path: Path) -> None:
    source = {"source_id": "pbx", "format": "asterisk_csv", "group_field": "linkedid"}
    zone = {"time_zone": "Europe/Berlin", "calling_code": "49"}
    zone |= {"international_prefix": "00", "national_prefix": "0"}
    settings = make_home(tmp_path, [source | zone], ASTERISK_FIELDS, ASTERISK_VALUES)
    row = ASTERISK.replace('"1001",', '"0151555",').strip() + ',"","L1",{}\n'
    # Traps of real files: seconds on a row that nobody answered, without a time of answer; the
    # same call again as its Local channel saw it; the same uniqueid.
    busy = row.replace("ANSWERED", "NO ANSWER").replace('"2026-10-03 09:12:06"', '""')
    local = row.replace("SIP/1001-1", "Local/x;2").replace(",60,", ",58,")
    put(settings, "pbx", "Master.csv", busy.format(1) + row.format(2) + local.format(3))
    (found,) = collect_inbox(settings, RECEIVED)
    assert (found.records_read, found.records_filtered, found.rows_landed) == (3, 1, 1)
    assert landed(settings) == [
        (
            *("L1-0033123456789", "voice", "outgoing", "49151555", "33123456789"),
            *("2026-10-03T07:12:06Z", 120, 60, 0, "26299"),
        )
    ]


def test_rejected_rows_come_back_once_their_mapping_is_mended(tmp_path: Path) -> None:
    source = {"source_id": "pbx", "format": "asterisk_csv", "time_zone": "Europe/Berlin"}
    source |= {"calling_code": "49", "international_prefix": "00", "national_prefix": "0"}
    fields = ASTERISK_FIELDS.replace("linkedid", "uniqueid")
    settings = make_home(tmp_path, [source], fields, ASTERISK_VALUES)
    row = ASTERISK.replace('"1001",', '"0151555",')
    other = row.replace("from-internal", "from-shop").replace(".7", ".8").replace("Ann", "\u00c4nn")
    put(settings, "pbx", "Master.csv", row + other)
    (first,) = collect_inbox(settings, RECEIVED)
    assert (first.records_accepted, first.records_rejected) == (1, 1)
    seed = settings.seeds / "policy" / "usage_source_values.csv"
    seed.write_text(seed.read_text() + "pbx,dcontext,from-shop,outgoing,\n")
    assert save_rejected(settings, settings.inbox / "pbx" / "again.csv", "Master.csv") == 1
    with pytest.raises(FileExistsError):
        save_rejected(settings, settings.inbox / "pbx" / "again.csv")
    (again,) = collect_inbox(settings, RECEIVED)
    assert (again.file_name, again.records_accepted, again.records_rejected) == ("again.csv", 1, 0)
    assert sorted(landed(settings, "record_id")) == [
        ("pbx-1790925120.7-0033123456789",),
        ("pbx-1790925120.8-0033123456789",),
    ]


# --- FreeSWITCH


def test_a_row_of_freeswitch_has_the_columns_of_the_default_template() -> None:
    record = only(read("freeswitch_csv", FREESWITCH_CSV))
    assert record.fields["uuid"] == "96aa82fe-7bd1-11e5-a230-5c514f6a0f72"
    assert record.fields["answer_stamp"] == "2026-10-03 09:12:06"
    assert (record.fields["billsec"], record.fields["read_codec"]) == ("60", "PCMU")


def test_the_variables_of_a_freeswitch_xml_are_decoded() -> None:
    record = only(read("freeswitch_xml", FREESWITCH_XML))
    assert record.fields["sip_from_user"] == "+491511234567"
    assert record.fields["caller_name"] == "Müller & Co"
    assert record.fields["answer_uepoch"] == "1790925126000000"
    assert record.fields["caller_profile.destination_number"] == "0033123456789"
    assert record.fields["core-uuid"] == "c0de"
    assert record.raw.startswith(b"<cdr core-uuid") and record.raw.endswith(b"</cdr>")


def test_a_broken_xml_record_takes_no_other_along() -> None:
    one = FREESWITCH_XML.partition("\n")[2].strip()
    content = "\n".join(
        ["<cdrs>", one, one.replace("</uuid>", ""), "lost words", one.replace("</cdr>", ""), one]
    )
    items = read("freeswitch_xml", content + "\n</cdrs>\n")
    assert [item.record_number for item in items if not isinstance(item, tuple)] == []
    assert [(number, rule) for number, _, rule in broken(items)] == [
        (2, "not_xml"),
        (3, "unframed"),
        (4, "cut_off"),
    ]
    assert len(items) == 5


BOMB = '<!DOCTYPE cdr [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
BOMB += "".join(f'<!ENTITY {two} "{f"&{one};" * 10}">' for one, two in zip("bcdefgh", "cdefghi"))  # noqa: B905
BOMB += "]>"


@pytest.mark.parametrize(
    "entity", [BOMB, '<!DOCTYPE cdr [<!ENTITY i SYSTEM "file:///etc/passwd">]>']
)
def test_entities_are_refused(entity: str) -> None:
    xml = f"<cdr><variables><uuid>&i;</uuid></variables></cdr>"  # noqa: F541
    tracemalloc.start()
    items = read("freeswitch_xml", FREESWITCH_XML + entity + xml)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4_000_000
    assert [rule for *_, rule in broken(items)] == ["unframed", "not_xml"]
    inside = FREESWITCH_XML.replace("<variables>", f"{entity}<variables>")
    assert [rule for *_, rule in broken(read("freeswitch_xml", inside))] == ["not_xml"]


def test_an_endless_record_is_cut_and_the_next_one_read() -> None:
    endless = FREESWITCH_XML.replace("</uuid>", "x" * 3 * LONGEST_XML)
    tracemalloc.start()
    items = read("freeswitch_xml", endless.replace("</cdr>", "") + FREESWITCH_XML)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 12_000_000
    assert [rule for *_, rule in broken(items)] == ["cut_off", "unframed"]
    assert isinstance(items[-1], NativeRecord)


# --- RADIUS


def test_a_request_of_a_radius_detail_file_has_its_attributes_and_its_start() -> None:
    record = only(read("radius_detail", RADIUS))
    assert record.fields["User-Name"] == 'a"b'
    assert record.fields["Acct-Input-Gigawords"] == "1"
    # It was sent 5 s late, at 10:12:11 local, after a session of an hour.
    assert record.fields["Session-Start"] == "1790925126"
    assert record.position == 1
    stamped = RADIUS.replace("\tTimestamp", "\tEvent-Timestamp = 1790928726\n\tTimestamp")
    assert only(read("radius_detail", stamped)).fields["Session-Start"] == "1790925126"
    worded = RADIUS.replace("\tTimestamp", '\tEvent-Timestamp = "Oct  2 2026"\n\tTimestamp')
    assert only(read("radius_detail", worded)).fields["Session-Start"] == "1790925126"


RADIUS_FIELDS = """
record_id,NAS-IP-Address
record_id,Acct-Session-Id
service,,data
direction,,outgoing
identifier,Calling-Station-Id,,dialled
started_at,Session-Start,,epoch
duration_seconds,Acct-Session-Time
volume_bytes,Acct-Input-Octets,,bytes
volume_bytes,Acct-Input-Gigawords,,gigawords
volume_bytes,Acct-Output-Octets,,bytes
volume_bytes,Acct-Output-Gigawords,,gigawords
serving_network,,26299
"""
RADIUS_VALUES = """
Acct-Status-Type,Stop
Acct-Status-Type,Start,,session_start
Acct-Status-Type,Interim-Update,,interim
Acct-Status-Type,Accounting-On,,nas_restart
Acct-Status-Type,Accounting-Off,,nas_restart
"""


def test_a_session_is_billed_by_its_stop_with_its_gigawords(tmp_path: Path) -> None:
    source = {"source_id": "nas", "format": "radius_detail", "calling_code": "49"}
    settings = make_home(tmp_path, [source], RADIUS_FIELDS, RADIUS_VALUES)
    interim = RADIUS.replace("= Stop", "= Interim-Update")
    start = RADIUS.replace("= Stop", "= Start").replace("\tAcct-Session-Time = 3600\n", "")
    put(settings, "nas", "detail-20261002", start + interim + RADIUS)
    (row,) = collect_inbox(settings, RECEIVED)
    assert (row.records_read, row.records_filtered, row.records_accepted) == (3, 2, 1)
    assert landed(settings, "record_id, duration_seconds, volume_bytes, started_at") == [
        (
            "198.51.100.7-4D2BB8AC-00000098",
            3600,
            15 + 2**32 + 2**32 - 1,
            datetime.fromtimestamp(1790925126, UTC).replace(tzinfo=None),
        )
    ]
    reasons = landed(settings, "record_number, line_number, reason", "filtered")
    assert reasons == [(1, 1, "session_start"), (2, 13, "interim")]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (RADIUS[:-30], [(1, 1, "cut_off")]),
        (RADIUS.strip("\n") + "\n", []),
        (RADIUS.strip("\n") + "\n" + RADIUS, []),
        (RADIUS + RADIUS.replace("Acct-Delay-Time = 5", "Acct-Delay"), [(2, 14, "no_attribute")]),
        (RADIUS + "\n\n\tTimestamp = 1\n\n", [(2, 16, "no_date")]),
        (RADIUS + "Fri Oct  2\n\n" + RADIUS, [(2, 14, "no_attribute")]),
        (RADIUS + "x\n\tA = " + "y" * 200_000 + "\n\n" + RADIUS, [(2, 14, "record_too_long")]),
    ],
)
def test_a_broken_request_is_told_by_line(content: str, found: list[tuple[int, int, str]]) -> None:
    assert broken(read("radius_detail", content)) == found


# --- 5G charging data


def parts(content: bytes | str) -> list[dict[str, str]]:
    items = read("chf_json", content)
    assert all(isinstance(item, NativeRecord) for item in items), items
    return [dict(item.fields) for item in items if isinstance(item, NativeRecord)]


def test_each_used_unit_container_is_a_part_with_its_rating_group() -> None:
    first, second, third = parts(CHF_JSON)
    groups = [one["multipleUnitUsage.ratingGroup"] for one in (first, second, third)]
    assert groups == ["10", "10", "20"]
    assert [one["part_number"] for one in (first, second, third)] == ["1", "2", "3"]
    assert first["volume_bytes"] == str(5 + 2**32)
    assert (second["volume_bytes"], third.get("volume_bytes")) == ("7", None)
    assert third["container.time"] == "60"
    # The network where a container was used, else that of the session: a session goes abroad.
    networks = [one["serving_network"] for one in (first, second, third)]
    assert networks == ["26299", "20801", "26299"]
    assert (first["msisdn"], first["imsi"]) == ("491511234567", "262991234567890")
    assert first["pDUSessionChargingInformation.chargingId"] == "12345678901234567890"
    assert first["pDUSessionChargingInformation.userInformation.unauthenticatedFlag"] == "false"
    assert first["container.note"] == "äö"
    assert first["charging_information"] == "pDUSessionChargingInformation"
    assert second["container.pDUContainerInformation.timeofFirstUsage"] == "2026-10-03T07:12:06Z"


@pytest.mark.parametrize(
    "content",
    [
        f"[{CHF_JSON},{CHF_JSON}]",
        CHF_JSON + CHF_JSON,
        f"{CHF_JSON.replace(chr(10), '')}\r\n{CHF_JSON.replace(chr(10), '')}\r\n",
        f"\ufeff[\n{CHF_JSON}\n,\n{CHF_JSON}\n]\n",
    ],
)
def test_an_array_lines_and_objects_are_the_same_records(content: str) -> None:
    assert parts(content) == parts(CHF_JSON) * 2
    assert [
        item.record_number for item in read("chf_json", content) if isinstance(item, tuple)
    ] == [*(1, 1, 1, 2, 2, 2)]


def test_flows_are_parts_only_where_no_containers_are() -> None:
    flows = '"roamingQBCInformation": {"multipleQFIcontainer": [{"totalVolume": 9}, {"time": 1}]}'
    both = parts(CHF_JSON.replace('"multipleUnitUsage"', f'{flows}, "multipleUnitUsage"'))
    assert [one["other_part_count"] for one in both] == ["2"] * 3
    alone = parts(f"{{{flows}}}")
    assert [one["container_kind"] for one in alone] == ["multipleQFIcontainer"] * 2
    assert [one.get("volume_bytes") for one in alone] == ["9", None]
    (nothing,) = parts('{"invocationSequenceNumber": 0}')
    assert nothing == {"invocationSequenceNumber": "0", "part_count": "0"}


def test_a_volume_that_is_no_number_stands_as_it_is() -> None:
    for value in ("-1", "1.5", "1e3", '"x"', "true"):
        (first, *_) = parts(CHF_JSON.replace("4294967296", value))
        assert first["volume_bytes"] == value.strip('"')


@pytest.mark.parametrize(
    ("content", "found"),
    [
        # A line that is broken takes no other along, wherever its braces are.
        ('{"a": 1}\n{"a": \n{"a": 2}\n', [(2, 9, "cut_off")]),
        ('{"a": 1}\n{"a": {"b": }}\n{"a": 2}\n', [(2, 9, "not_json")]),
        ('{"a": 1}\n{"a": "b}\n{"a": 2}\n', [(2, 9, "cut_off")]),
        ('{"a": 1}\n{"a": NaN}\n{"a": 2}', [(2, 9, "not_json")]),
        ('[{"a": 1}, 5, {"a": 2}]', [(2, 11, "unframed")]),
        # An array that is not closed lacks records, also where it ends between two.
        ('[{"a": 1}, {"a": 2}', [(3, 19, "cut_off")]),
        ('[{"a": 1}, {"a": 2', [(2, 11, "cut_off"), (3, 18, "cut_off")]),
        ('{"multipleUnitUsage": 5}', [(1, 0, "bad_structure")]),
        ('{"multipleUnitUsage": [5]}', [(1, 0, "bad_structure")]),
        ('{"roamingQBCInformation": []}', [(1, 0, "bad_structure")]),
        ('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}", [(1, 0, "not_json")]),
        ("[]", []),
    ],
)
def test_a_broken_json_record_is_told_by_its_place(
    content: str, found: list[tuple[int, int, str]]
) -> None:
    assert broken(read("chf_json", content)) == found


def test_a_record_of_json_that_is_not_utf_8_is_broken_alone() -> None:
    content = CHF_JSON.encode("latin-1") + CHF_JSON.encode()
    assert broken(read("chf_json", content)) == [(1, 0, "not_utf8")]


def test_a_long_file_of_json_is_read_in_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "records.json"
    line = CHF_JSON.replace("\n", "").encode() + b"\n"
    with path.open("wb") as stream:
        for _ in range(12_000):
            stream.write(line)
        stream.write(b'{"a": "' + b"x" * 3_000_000 + b'"}\n' + line)
    tracemalloc.start()
    kinds = [type(item).__name__ for item in READERS["chf_json"].read(path, OPTIONS)]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000_000 < path.stat().st_size
    assert kinds.count("NativeRecord") == 3 * 12_001
    assert "BrokenRecord" in kinds[36_000:-3]


# --- Every reader


@pytest.mark.parametrize("reader", sorted(SAMPLES))
@pytest.mark.parametrize("content", [b"", b"\x1f\x8b\x08binary", b"PK\x03\x04zip", b"\xff\xfea\0"])
def test_a_file_of_another_kind_is_refused(reader: str, content: bytes) -> None:
    with pytest.raises(RefusedFile, match=r"^[a-z_]+: ."):
        assert read(reader, content) == []
        raise RefusedFile("nothing", "an empty file has no record")


PIECES = st.sampled_from(
    [
        *(b"\0", b'"', b'""', b",", b"\n", b"\r\n", b"\n\n", b"\xff", b"\xe2\x80\xa8", b"<", b">"),
        *(b"</cdr>", b"<cdr>", b"<cdr ", b"&a;", b"<![CDATA[", b"<!--", b" = ", b"\t", b"%zz"),
        *(b"{", b"}", b"[", b"]", b"\n{", b'{"a":' * 5_000),
        *(b"9" * 150_000, b'"' * 999, b"\n" * 300, b"<a>" * 5_000),
    ]
)
EDITS = st.lists(
    st.tuples(
        st.sampled_from(["cut", "flip", "insert", "drop"]),
        st.integers(0, 1_500),
        st.one_of(PIECES, st.binary(min_size=1, max_size=4)),
    ),
    min_size=1,
    max_size=5,
)


BETWEEN = {
    "csv": re.compile(rb"(\xef\xbb\xbf)?[^\n]*\n"),
    "asterisk_csv": re.compile(rb"(\xef\xbb\xbf)?"),
    "freeswitch_csv": re.compile(rb"(\xef\xbb\xbf)?"),
    "freeswitch_xml": re.compile(rb"(\s|<\?[^<>]*\?>|</?[A-Za-z_][^<>]*>)*"),
    "radius_detail": re.compile(rb"\s*"),
    "chf_json": re.compile(rb"(\xef\xbb\xbf)?[\s,\[\]]*"),
}


def _edit(content: bytes, edits: list[tuple[str, int, bytes]]) -> bytes:
    for action, position, piece in edits:
        at = position % (len(content) + 1)
        if action == "cut":
            content = content[:at]
        elif action == "flip":
            content = content[:at] + piece[:1] + content[at + 1 :]
        elif action == "insert":
            content = content[:at] + piece + content[at:]
        else:
            content = content[:at] + content[at + 40 :]
    return content


@pytest.mark.parametrize("reader", sorted(SAMPLES))
@examples(max_examples=60, deadline=None)
@given(edits=EDITS)
@example(edits=[("cut", 473, b""), ("flip", 4, b"\x00")])
def test_a_damaged_file_never_stops_a_reader_and_keeps_its_sound_bytes(
    reader: str, edits: list[tuple[str, int, bytes]]
) -> None:
    content = _edit(SAMPLES[reader].encode(), edits)
    try:
        items = read(reader, content)
    except RefusedFile:
        return
    # The parts of a record are one record; what is missing at a file's end has no bytes.
    items = [item for item in items if getattr(item, "part", 1) == 1]
    numbers = [item.record_number for item in items if isinstance(item, tuple)]
    assert numbers == list(range(1, len(items) + 1))
    items = [item for item in items if not isinstance(item, BrokenRecord) or item.raw]
    if len(content) > 100_000:
        return
    # Every byte is in one record, in order, none twice, but for what may lie between records. From
    # the end, since a header whose line break was damaged holds the first record's bytes as well.
    between, rest = b"", content
    for item in reversed(items):
        assert isinstance(item, (NativeRecord, BrokenRecord))
        rest, found, behind = rest.rpartition(item.raw)
        assert found == item.raw
        between = behind + between
    assert BETWEEN[reader].fullmatch(rest + between), rest + between


@pytest.mark.parametrize("reader", sorted(SAMPLES))
@examples(max_examples=40, deadline=None)
@given(st.binary(max_size=3_000))
def test_any_bytes_are_read_or_refused(reader: str, content: bytes) -> None:
    try:
        items = read(reader, content)
    except RefusedFile as refused:
        assert len(str(refused).splitlines()) == 1
        return
    assert [item.record_number for item in items if isinstance(item, tuple)] == list(
        range(1, len(items) + 1)
    )


def test_every_format_is_described() -> None:
    described = describe_formats(ROOT / "seeds")
    assert all(f"| {name} |" in described for name in READERS)


# --- Real files


def _sample(name: str) -> bytes:
    path = VOIP / name
    if not path.is_file():
        warnings.warn(f"NOT RUN: {path} is not there", stacklevel=2)
        pytest.skip(f"NOT RUN: the sample {name} is not there")
    return path.read_bytes()


def test_a_real_export_of_calls_is_billed_by_a_mapping(tmp_path: Path) -> None:
    """The header-less calls of cdr-stats: epochs, hangup causes by number, spaces behind commas."""
    content = _sample("cdrstats-import_cdr_100.txt")
    columns = "caller name called duration billsec cause uuid started"
    source = {"source_id": "fs", "format": "csv", "columns": columns, "time_zone": "Europe/Madrid"}
    fields = """
record_id,uuid
service,,voice
direction,,outgoing
identifier,caller
other_number,called
started_at,started,,epoch
duration_seconds,billsec
volume_bytes,,0
serving_network,,21401
"""
    settings = make_home(tmp_path, [source], fields, "cause,16\ncause,*,,not_answered")
    put(settings, "fs", "import_cdr_100.txt", content)
    (row,) = collect_inbox(settings, RECEIVED)
    lines = [line.split(", ") for line in content.decode().splitlines() if line.strip()]
    answered = [line for line in lines if line[5] == "16"]
    assert row.records_read == row.records_accepted + row.records_filtered + row.records_rejected
    whole = content.count(b"\n")
    assert row.records_read in (whole, whole + 1)
    assert row.records_accepted >= len(answered) - 1 > 10
    assert row.duration_seconds == sum(
        seconds for (seconds,) in landed(settings, "duration_seconds")
    )
    firsts = landed(settings, "record_id, epoch(started_at)::bigint, duration_seconds, identifier")
    truth = {line[6]: (int(line[7]), int(line[4]), line[0]) for line in lines}
    assert all(truth[uuid] == rest for uuid, *rest_ in firsts for rest in [tuple(rest_)])
    assert all("cut_off" in line for line in describe_rejects(settings))


def test_a_real_switch_export_with_a_header_is_billed_by_a_mapping(tmp_path: Path) -> None:
    content = _sample("cdrstats-CDRImport-2015-10-26.csv")
    source = {"source_id": "sw", "format": "csv", "time_zone": "Europe/Madrid"}
    fields = """
record_id,callid
service,,voice
direction,,outgoing
identifier,caller_id_number,,national
other_number,destination_number,,dialled
started_at,starting_date
duration_seconds,billsec
volume_bytes,,0
serving_network,,21401
"""
    source |= {"calling_code": "34", "international_prefix": "00"}
    settings = make_home(
        tmp_path, [source], fields, "hangup_cause_id,16\nhangup_cause_id,*,,failed"
    )
    put(settings, "sw", "CDRImport-2015-10-26.csv", content)
    (row,) = collect_inbox(settings, RECEIVED)
    assert row.records_read == row.records_accepted + row.records_filtered + row.records_rejected
    first = landed(settings)[0]
    assert first[3:8] == ("34904151440", "34798400122", "2015-10-21T10:13:10Z", 120, 50)
