"""Usage sources: files of any shape become usage by a mapping, each record with one fate."""

# ruff: noqa: E501 - a table of cases reads best with one case to a line

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest
from usage_home import RECEIVED, landed, make_home, put

from orchestration.collect.entities import ENTITY_BY_NAME, MANIFEST
from orchestration.collect.inbox import collect_inbox, describe_rejects, read_manifest
from orchestration.collect.seed_check import check_seeds, check_usage_sources
from orchestration.lib.errors import TollhouseError
from orchestration.settings import Settings
from orchestration.verify.evidence import Evidence, view_landing
from orchestration.verify.fates import native_records_have_fates

SOURCE = {
    "source_id": "pbx",
    "format": "csv",
    "time_zone": "Europe/Berlin",
    "calling_code": "49",
    "international_prefix": "00",
    "national_prefix": "0",
}
FIELDS = """
record_id,id
service,,voice
direction,way
identifier,a,,dialled,outgoing
identifier,b,,dialled,incoming
other_number,b,,dialled,outgoing
other_number,a,,dialled,incoming
started_at,begin
duration_seconds,ms,,milliseconds
volume_bytes,,0
serving_network,,26299
"""
OWN_FORMAT = (
    ",".join(ENTITY_BY_NAME["usage"].header)
    + "\nr1,voice,outgoing,491511234567,4930123456,2026-10-03T09:12:06+02:00,60,0,26299\n"
)
VALUES = """
way,out,outgoing
way,in,incoming
state,ANSWERED
state,*,,not_answered
"""
HEADER = "id,way,a,b,begin,ms,state,note\n"
CALL = "c1,out,0151 1234567,+33 1 23456789,2026-10-03 09:12:06,60000,ANSWERED,hello\n"

Home = Callable[..., Settings]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    def make(fields: str = FIELDS, values: str = VALUES, **changes: str) -> Settings:
        return make_home(tmp_path, [SOURCE | changes], fields, values)

    return make


def call(**changes: str) -> str:
    names = HEADER.strip().split(",")
    values = dict(zip(names, CALL.strip().split(","), strict=True))
    return ",".join((values | changes).values()) + "\n"


def collect_one(settings: Settings, content: bytes | str, name: str = "calls_7.csv") -> list[str]:
    """Collect one file; return its rejects, what became of it tied."""
    put(settings, "pbx", name, content)
    rows = collect_inbox(settings, RECEIVED)
    assert rows == read_manifest(settings)
    (row,) = rows
    assert row.records_read == row.records_accepted + row.records_filtered + row.records_rejected
    assert len(landed(settings)) == row.rows_landed
    assert len(landed(settings, table="filtered", columns="reason")) == row.records_filtered
    assert len(landed(settings, table="rejects", columns="rule")) == row.records_rejected
    assert collect_inbox(settings, RECEIVED) == []
    return [line.split(":", 1)[1] for line in describe_rejects(settings)]


def test_a_foreign_csv_lands_as_usage_in_the_units_of_the_house(home: Home) -> None:
    settings = home()
    assert collect_one(settings, HEADER + CALL + call(id="c2", way="in", ms="1")) == []
    begun = ("2026-10-03T07:12:06Z", 120)
    assert landed(settings) == [
        ("c1", "voice", "outgoing", "491511234567", "33123456789", *begun, 60, 0, "26299"),
        ("c2", "voice", "incoming", "33123456789", "491511234567", *begun, 1, 0, "26299"),
    ]
    (row,) = read_manifest(settings)
    assert (row.source_id, row.entity, row.file_sequence) == ("pbx", "usage", 7)
    assert (row.duration_seconds, row.records_filtered) == (61, 0)


def test_what_is_no_usage_is_filtered_with_its_reason(home: Home) -> None:
    settings = home()
    content = HEADER + CALL + call(id="c2", state="BUSY", begin="") + call(id="c3", state="")
    assert collect_one(settings, content) == []
    filtered = landed(settings, "record_number, line_number, reason", "filtered")
    assert filtered == [(2, 3, "not_answered"), (3, 4, "not_answered")]
    (row,) = read_manifest(settings)
    assert (row.records_read, row.records_accepted, row.records_filtered) == (3, 1, 2)


def test_a_record_that_is_rejected_keeps_its_bytes(home: Home) -> None:
    settings = home()
    bad = call(id="c2", ms="many", note='"é, ""x"""')
    odd = CALL.replace("hello", "x,y")
    assert collect_one(settings, HEADER + CALL + bad + odd) == [
        "3: invalid_duration: duration_seconds is many, not a whole number like 60",
        "4: column_count: 9 columns instead of 8",
    ]
    kept = landed(settings, "record_number, raw, raw_bytes", "rejects")
    assert kept == [(2, bad.strip(), bad.encode()), (3, odd.strip(), odd.encode())]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"way": "up"}, "unmapped_value: way is up, of which the mapping says nothing"),
        ({"begin": "yesterday"}, "unreadable_time: begin is yesterday, not a time as iso has it"),
        ({"begin": ""}, "missing_started_at: started_at is empty"),
        (
            {"begin": "2026-03-29 02:30:00"},
            "skipped_local_time: begin is '2026-03-29 02:30:00',"
            " the clock of Europe/Berlin was put forward over it",
        ),
        ({"ms": "-5"}, "negative_duration: duration_seconds is -5"),
        ({"ms": ""}, "missing_duration: duration_seconds is empty"),
        (
            {"ms": "9" * 16},
            f"out_of_range_duration: duration_seconds is {'9' * 16}: too many digits",
        ),
        (
            {"a": "anonymous"},
            "invalid_identifier: identifier is anonymous, not an E.164 number in digits without +",
        ),
    ],
)
def test_what_cannot_be_mapped_is_rejected_with_its_rule(
    home: Home, changes: dict[str, str], message: str
) -> None:
    settings = home()
    assert collect_one(settings, HEADER + call(**changes)) == [f"2: {message}"]
    assert landed(settings) == []


@pytest.mark.parametrize(
    ("zone", "repeated", "begin", "instant", "minutes"),
    [
        ("Europe/Berlin", "", "2026-10-03 09:12:06", "2026-10-03T07:12:06Z", 120),
        ("Europe/Berlin", "", "2026-03-29 01:59:59", "2026-03-29T00:59:59Z", 60),
        ("Europe/Berlin", "", "2026-03-29 03:00:00", "2026-03-29T01:00:00Z", 120),
        ("Europe/Berlin", "", "2026-10-25 01:59:59", "2026-10-24T23:59:59Z", 120),
        ("Europe/Berlin", "", "2026-10-25 02:00:00", "2026-10-25T00:00:00Z", 120),
        ("Europe/Berlin", "first", "2026-10-25 02:59:59", "2026-10-25T00:59:59Z", 120),
        ("Europe/Berlin", "second", "2026-10-25 02:59:59", "2026-10-25T01:59:59Z", 60),
        ("Europe/Berlin", "", "2026-10-25 03:00:00", "2026-10-25T02:00:00Z", 60),
        ("Australia/Lord_Howe", "", "2026-04-05 01:45:00", "2026-04-04T14:45:00Z", 660),
        ("Australia/Lord_Howe", "second", "2026-04-05 01:45:00", "2026-04-04T15:15:00Z", 630),
        ("America/St_Johns", "", "2026-12-01T09:00:00", "2026-12-01T12:30:00Z", -210),
        ("Asia/Kathmandu", "", "2026-12-01T09:00:00.5", "2026-12-01T03:15:00Z", 345),
        ("", "", "2026-10-03 09:12:06+02", "2026-10-03T07:12:06Z", 120),
        ("", "", "2026-10-03T09:12:06-0330", "2026-10-03T12:42:06Z", -210),
        ("Europe/Berlin", "", "2026-10-03 09:12:06Z", "2026-10-03T09:12:06Z", 0),
    ],
)
def test_a_local_time_is_that_of_the_source(
    home: Home, zone: str, repeated: str, begin: str, instant: str, minutes: int
) -> None:
    settings = home(time_zone=zone, repeated_hour=repeated)
    assert collect_one(settings, HEADER + call(begin=begin)) == []
    ((found, offset),) = landed(
        settings, "strftime(started_at, '%Y-%m-%dT%H:%M:%SZ'), utc_offset_minutes"
    )
    assert (found, offset) == (instant, minutes)


@pytest.mark.parametrize("begin", ["2026-10-25 02:00:00", "2026-10-25 02:59:59"])
def test_a_repeated_hour_may_be_rejected(home: Home, begin: str) -> None:
    settings = home(repeated_hour="reject")
    calls = call(begin=begin) + call(id="c2", begin="2026-10-25 03:00:00")
    assert collect_one(settings, HEADER + calls) == [
        f"2: repeated_local_time: begin is '{begin}', the clock of Europe/Berlin showed it twice"
    ]


@pytest.mark.parametrize(
    ("form", "begin", "minutes"),
    [
        ("epoch", "1790925126", 120),
        ("epoch", "1790925126.25", 120),
        ("epoch_milliseconds", "1790925126000", 120),
        ("epoch_microseconds", "1790925126000000", 120),
        ("%d.%m.%Y %H:%M:%S", "02.10.2026 09:12:06", 120),
        ("%Y%m%d%H%M%S", "20261002091206", 120),
    ],
)
def test_a_time_may_be_written_in_many_forms(
    home: Home, form: str, begin: str, minutes: int
) -> None:
    settings = home(FIELDS.replace("started_at,begin", f"started_at,begin,,{form}"))
    assert collect_one(settings, HEADER + call(begin=begin)) == []
    shown = "strftime(started_at, '%Y-%m-%dT%H:%M:%SZ'), utc_offset_minutes"
    assert landed(settings, shown) == [("2026-10-02T07:12:06Z", minutes)]


@pytest.mark.parametrize(
    ("form", "text", "seconds"),
    [
        ("milliseconds", "1001", 2),
        ("milliseconds", "1000", 1),
        ("milliseconds", "0", 0),
        ("microseconds", "1000001", 2),
        ("seconds", "59.000001", 60),
        ("seconds", "59", 59),
        ("minutes", "1.5", 90),
        ("h:mm:ss", "1:02:03", 3723),
        ("", "77", 77),
    ],
)
def test_a_begun_unit_counts(home: Home, form: str, text: str, seconds: int) -> None:
    settings = home(FIELDS.replace("ms,,milliseconds", f"ms,,{form}"))
    assert collect_one(settings, HEADER + call(ms=text)) == []
    assert landed(settings, "duration_seconds") == [(seconds,)]


def test_quantities_of_several_fields_add_up_exactly(home: Home) -> None:
    fields = FIELDS.replace(
        "volume_bytes,,0",
        "volume_bytes,a_low\nvolume_bytes,a_high,,gigawords\nvolume_bytes,b_kb,,kilobytes",
    )
    settings = home(fields)
    header = HEADER.strip() + ",a_low,a_high,b_kb\n"
    lines = [CALL.strip() + ",15,1,\n", call(id="c2").strip() + ",4294967295,3,0.5\n"]
    assert collect_one(settings, header + "".join(lines)) == []
    assert landed(settings, "volume_bytes") == [(15 + 2**32,), (2**34 - 1 + 500,)]


@pytest.mark.parametrize(
    ("form", "text", "number"),
    [
        ("dialled", "+49 (151) 123-4567", "491511234567"),
        ("dialled", "0049/151.1234567", "491511234567"),
        ("dialled", "01511234567", "491511234567"),
        ("dialled", "491511234567", "491511234567"),
        ("national", "1511234567", "491511234567"),
        ("national", "0033123456789", "33123456789"),
        ("digits", "491511234567", "491511234567"),
        ("", "491511234567", "491511234567"),
    ],
)
def test_a_number_becomes_international(home: Home, form: str, text: str, number: str) -> None:
    settings = home(FIELDS.replace("identifier,a,,dialled,", f"identifier,a,,{form},"))
    assert collect_one(settings, HEADER + call(a=text)) == []
    assert landed(settings, "identifier") == [(number,)]


@pytest.mark.parametrize("delimiter", ["semicolon", "tab", "bar"])
def test_a_file_may_have_no_header_and_another_delimiter(home: Home, delimiter: str) -> None:
    settings = home(delimiter=delimiter, columns=HEADER.strip().replace(",", " "))
    sign = {"semicolon": ";", "tab": "\t", "bar": "|"}[delimiter]
    content = (CALL + call(id="c2", note='"a\nb"') + call(id="c3")).replace(",", sign)
    assert collect_one(settings, content) == []
    assert landed(settings, "record_id, record_number") == [("c1", 1), ("c2", 2), ("c3", 3)]


def test_a_plain_file_and_a_quoted_one_land_the_same(home: Home, tmp_path: Path) -> None:
    settings = home()
    plain = HEADER + CALL + call(id="c2", a=" 0151 99 ", note=" spaced ")
    quoted = "".join(
        ",".join(f'"{one.strip()}"' for one in line.split(",")) + "\r\n"
        for line in plain.splitlines()
    )
    put(settings, "pbx", "plain.csv", plain)
    put(settings, "pbx", "quoted.csv", quoted)
    collect_inbox(settings, RECEIVED)
    found = landed(settings, "event_id, record_number")
    assert len(found) == 4
    assert len({event for event, _ in found}) == 2


def test_a_file_without_a_mapped_field_is_refused(home: Home) -> None:
    settings = home()
    put(settings, "pbx", "1.csv", "id,way\nc1,out\n")
    (row,) = collect_inbox(settings, RECEIVED)
    assert row.status == "rejected"
    assert row.reason == "wrong_header: missing a, b, begin, ms, state, which the mapping reads"


def test_a_refused_file_is_tried_again_when_its_mapping_is_mended(
    home: Home, tmp_path: Path
) -> None:
    settings = home(FIELDS.replace("begin", "start"))
    put(settings, "pbx", "1.csv", HEADER + CALL)
    (row,) = collect_inbox(settings, RECEIVED)
    assert row.status == "rejected"
    assert collect_inbox(settings, RECEIVED) == []
    seed = settings.seeds / "policy" / "usage_source_fields.csv"
    seed.write_text(seed.read_text().replace("start,", "begin,"))
    (row,) = collect_inbox(settings, RECEIVED)
    assert (row.status, row.records_accepted, row.landing_sequence) == ("accepted", 1, 2)
    assert collect_inbox(settings, RECEIVED) == []


def test_a_format_without_ids_gets_a_hash_of_the_record(home: Home) -> None:
    settings = home(FIELDS.replace("record_id,id", "record_id,*"))
    assert collect_one(settings, HEADER + CALL + call(ms="2000") + CALL) == []
    ids = [one for (one,) in landed(settings, "record_id")]
    assert ids[0] == ids[2] != ids[1]


def test_the_parts_of_an_id_are_joined(home: Home) -> None:
    settings = home("record_id,note\n" + FIELDS.strip())
    assert collect_one(settings, HEADER + CALL) == []
    assert landed(settings, "record_id") == [("hello-c1",)]


def test_legs_of_one_call_make_one_row_for_the_time_they_cover(home: Home) -> None:
    settings = home(group_field="note")
    legs = [
        call(id="a1", begin="2026-10-03 09:00:00", ms="60000"),
        call(id="a2", begin="2026-10-03 09:00:10", ms="20000"),
        call(id="b1", begin="2026-10-03 09:00:00", ms="5000", note="other"),
        call(id="a3", begin="2026-10-03 09:02:00", ms="30000"),
        call(id="a4", begin="2026-10-03 09:00:30", ms="31000", state="BUSY"),
        call(id="a5", b="0301234567", begin="2026-10-03 09:03:00", ms="9000"),
        call(id="n1", note="", ms="1000"),
        call(id="n2", note="", ms="1000"),
    ]
    assert collect_one(settings, HEADER + "".join(legs)) == []
    shown = "record_id, record_number, duration_seconds, other_number"
    assert landed(settings, shown) == [
        ("a1", 1, 90, "33123456789"),
        ("b1", 3, 5, "33123456789"),
        ("a5", 6, 9, "49301234567"),
        ("n1", 7, 1, "33123456789"),
        ("n2", 8, 1, "33123456789"),
    ]
    links = landed(settings, "record_number, usage_record_number", "usage_links")
    assert links == [(1, 1), (2, 1), (3, 3), (4, 1), (6, 6), (7, 7), (8, 8)]
    (row,) = read_manifest(settings)
    assert (row.records_read, row.records_accepted, row.rows_landed) == (8, 7, 5)


def test_parquet_lands_like_csv(home: Home, tmp_path: Path) -> None:
    settings = home(format="parquet")
    path = put(settings, "pbx", "1.parquet", b"")
    with duckdb.connect() as sql:
        sql.execute(
            "copy (select 'c1' as id, 'out' as way, '01511234567' as a, '033' as b,"
            " timestamp '2026-10-03 09:12:06' as begin, 1500 as ms, 'ANSWERED' as state, [1] as x"
            " union all select 'c2', 'out', '0151', '033', null, 1, 'BUSY', [])"
            f" to '{path}' (format parquet)"
        )
    put(settings, "pbx", "2.parquet", path.read_bytes()[:-9])
    good, bad = collect_inbox(settings, RECEIVED)
    assert (good.records_accepted, good.records_filtered) == (1, 1)
    assert bad.reason is not None
    assert bad.reason.startswith(("not_parquet: ", "wrong_header"))


@pytest.mark.parametrize(
    ("seed", "old", "new", "message"),
    [
        ("usage_source_fields", "serving_network", "serving", ":12: unknown_column: column_name serving is no column of usage"),
        ("usage_source_fields", "pbx,serving_network,,26299,,\n", "", "usage_sources.csv:2: missing_column: serving_network must be filled"),
        ("usage_sources", ",csv,", ",csvx,", ":2: unknown_format: format csvx is none of"),
        ("usage_sources", "pbx", "usage", ":2: folder: source_id usage is the folder of the house"),
        ("usage_sources", "Europe/Berlin", "Berlin", ":2: time_zone: time_zone Berlin is no time zone"),
        ("usage_sources", ",49,", ",,", ":5: number: form dialled of identifier needs the source's calling_code"),
        ("usage_source_fields", "milliseconds", "parsecs", ":10: form: form parsecs of duration_seconds is not known: seconds"),
        ("usage_source_fields", "begin,,", "begin,,%d.%m", ":9: form: form %d.%m is no pattern"),
        ("usage_source_fields", ",voice,", ",fax,", ":3: constant: constant fax of service is not one of"),
        ("usage_source_fields", "id,,", "id,x,", ":2: field_or_constant: record_id takes"),
        ("usage_source_fields", "dialled,outgoing", "dialled,up", "direction: direction up of identifier"),
        ("usage_source_values", "out,outgoing,", "out,outgoing,why", ":2: value: becomes and filter_reason exclude"),
        ("usage_source_values", "pbx,way,in", "pby,way,in", "orphan: source_id 'pby' is not in usage_sources.source_id"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_mapping_is_named_with_its_line(
    home: Home, seed: str, old: str, new: str, message: str
) -> None:
    settings = home()
    path = settings.seeds / "policy" / f"{seed}.csv"
    content = path.read_text()
    assert old in content
    path.write_text(content.replace(old, new, 1))
    found = [str(problem) for problem in check_usage_sources(settings.seeds)]
    assert any(message in line for line in found), found
    assert set(found) <= {str(one) for one in check_seeds(settings.seeds)}
    put(settings, "pbx", "1.csv", HEADER + CALL)
    with pytest.raises(TollhouseError, match="nothing is collected"):
        collect_inbox(settings, RECEIVED)


def test_a_sound_mapping_has_no_problem(home: Home) -> None:
    assert check_usage_sources(home().seeds) == []


def test_a_manifest_from_before_is_read(home: Home) -> None:
    """Files that landed before usage sources were have none of the newer columns."""
    settings = home()
    put(settings, "usage", "1.csv", OWN_FORMAT)
    (row,) = collect_inbox(settings, RECEIVED)
    newer = [name for name, _ in MANIFEST.columns[15:]]
    with duckdb.connect() as sql:
        for path in settings.landing.glob("manifest/*/*.parquet"):
            sql.execute(
                f"create or replace table old as select * exclude ({', '.join(newer)})"
                f" from read_parquet('{path}', hive_partitioning=false)"
            )
            sql.execute(f"copy old to '{path}' (format parquet)")
    put(settings, "pbx", "1.csv", HEADER + CALL)
    collect_inbox(settings, RECEIVED)
    before, after = read_manifest(settings)
    assert before == row
    assert (after.source_id, after.rows_landed) == ("pbx", 1)


def test_every_fate_of_a_file_is_followed_by_its_number(home: Home) -> None:
    settings = home(group_field="note")
    content = HEADER + CALL + call(id="c2") + call(id="c3", state="BUSY") + call(id="c4", ms="x")
    collect_one(settings, content)
    assert _broken_fates(settings) == ()
    for table in ("usage", "filtered", "rejects", "usage_links"):
        (path,) = settings.landing.glob(f"{table}/arrival_date=2026*/*.parquet")
        content_before = path.read_bytes()
        path.unlink()
        assert len(_broken_fates(settings)) == 1
        path.write_bytes(content_before)


def _broken_fates(settings: Settings) -> Sequence[str]:
    with duckdb.connect() as sql:
        view_landing(sql, settings)
        ledger: Any = None
        found = native_records_have_fates(Evidence(settings, ledger, settings.exports, sql))
    return found.details
