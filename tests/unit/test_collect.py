"""Collecting the inbox: each file decoded once, each record accepted or rejected for a reason."""

# ruff: noqa: E501 - a table of cases reads best with one case to a line

from __future__ import annotations

import hashlib
import os
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.collect import inbox, records
from orchestration.collect.entities import (
    ENTITY_BY_NAME,
    INBOX_ENTITIES,
    LandingTable,
    collected_tables,
    describe_entities,
)
from orchestration.collect.inbox import (
    ManifestRow,
    collect_inbox,
    describe_rejects,
    ensure_landing,
    read_manifest,
)
from orchestration.lib import files
from orchestration.settings import Settings

RECEIVED = datetime(2026, 11, 1, 3, 0)  # noqa: DTZ001 - landing keeps UTC without a time zone
NEXT_DAY = datetime(2026, 11, 2, 3, 0)  # noqa: DTZ001
USAGE = ",".join(ENTITY_BY_NAME["usage"].header)
CALL = "r1,voice,outgoing,491511234567,4930123456,2026-10-03T09:12:06+02:00,60,0,26299"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", project_root=tmp_path)


def put(settings: Settings, name: str, content: str | bytes, entity: str = "usage") -> Path:
    folder = settings.inbox / entity
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def usage(*records: str) -> str:
    return "".join(f"{line}\n" for line in (USAGE, *records))


def call(**changes: str) -> str:
    values = dict(zip(ENTITY_BY_NAME["usage"].header, CALL.split(","), strict=True))
    return ",".join((values | changes).values())


def landed(settings: Settings, table: str, columns: str = "*") -> list[tuple[Any, ...]]:
    """Return a table's rows as readers see them: those of files that the manifest names."""
    landing = settings.landing
    with duckdb.connect() as connection:
        return connection.execute(
            f"select {columns} from read_parquet('{landing}/{table}/*/*.parquet') as landed"
            f" semi join (select * from read_parquet('{landing}/manifest/*/*.parquet')"
            " where status = 'accepted') as manifest"
            " on manifest.file_id = landed.file_id"
            " order by landed.file_id, record_number"
        ).fetchall()


def only(rows: list[ManifestRow]) -> ManifestRow:
    assert len(rows) == 1
    return rows[0]


def rejects_of(settings: Settings, entity: str, record: str) -> list[str]:
    header = ",".join(ENTITY_BY_NAME[entity].header)
    put(settings, "x.csv", f"{header}\n{record}\n", entity)
    row = only(collect_inbox(settings, RECEIVED))
    assert row.records_read == 1
    return [message.split(": ", 1)[1] for message in describe_rejects(settings)]


def test_a_call_lands_typed_with_its_instant_in_utc(settings: Settings) -> None:
    path = put(settings, "usage_0017.csv", usage(CALL))
    row = only(collect_inbox(settings, RECEIVED))
    file_id = hashlib.sha256(path.read_bytes()).hexdigest()
    assert row == ManifestRow(
        file_id=file_id,
        landing_sequence=1,
        entity="usage",
        file_name="usage_0017.csv",
        received_at=RECEIVED,
        arrival_date=date(2026, 11, 1),
        file_sequence=17,
        size_bytes=path.stat().st_size,
        status="accepted",
        reason=None,
        records_read=1,
        records_accepted=1,
        records_rejected=0,
        duration_seconds=60,
        volume_bytes=0,
        source_id="usage",
        rows_landed=1,
    )
    assert read_manifest(settings) == [row]
    typed = CALL.replace("2026-10-03T09:12:06+02:00", "2026-10-03 07:12:06").replace(",", "|")
    event_id = hashlib.md5(typed.encode(), usedforsecurity=False).hexdigest()
    assert landed(settings, "usage", "* exclude (arrival_date)") == [
        (
            file_id,
            1,
            event_id,
            "r1",
            "voice",
            "outgoing",
            "491511234567",
            "4930123456",
            datetime(2026, 10, 3, 7, 12, 6),  # noqa: DTZ001
            120,
            60,
            0,
            "26299",
            *(None,) * 10,
        )
    ]


def test_an_event_is_what_was_recorded_however_it_is_spelled(settings: Settings) -> None:
    started = "2026-10-03T09:12:06+02:00"
    same = ("2026-10-03T07:12:06Z", "2026-10-03T12:42:06.000+05:30")
    other = (CALL.replace(started, "2026-10-03T09:12:07+02:00"), CALL.replace(",60,", ",61,"))
    spelled = [CALL.replace(started, instant) for instant in same]
    put(settings, "usage_1.csv", usage(CALL, CALL.replace(",60,", ",060,"), *spelled, *other))
    collect_inbox(settings, RECEIVED)
    ids = [one for (one,) in landed(settings, "usage", "event_id")]
    assert len(set(ids[:4])) == 1
    assert len(set(ids)) == 3


@pytest.mark.parametrize(
    ("text", "utc", "minutes"),
    [
        ("2026-10-03T09:12:06Z", "2026-10-03 09:12:06", 0),
        ("2026-10-25T02:30:00+01:00", "2026-10-25 01:30:00", 60),
        ("2026-10-03T22:00:00-03:30", "2026-10-04 01:30:00", -210),
        ("2026-10-03T00:10:00+05:45", "2026-10-02 18:25:00", 345),
        ("2024-02-29T00:00:00.123456+14:00", "2024-02-28 10:00:00.123456", 840),
        ("2000-01-01T00:00:00Z", "2000-01-01 00:00:00", 0),
        ("2100-12-31T23:59:59Z", "2100-12-31 23:59:59", 0),
    ],
)
def test_offsets_are_applied_and_kept(
    settings: Settings, text: str, utc: str, minutes: int
) -> None:
    put(settings, "u.csv", usage(call(started_at=text)))
    collect_inbox(settings, RECEIVED)
    columns = "cast(started_at as varchar), utc_offset_minutes"
    assert landed(settings, "usage", columns) == [(utc, minutes)]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"duration_seconds": "-5"}, "negative_duration: duration_seconds is -5"),
        ({"duration_seconds": ""}, "missing_duration: duration_seconds is empty"),
        ({"duration_seconds": "+5"}, "invalid_duration: duration_seconds is +5: no + sign allowed"),
        ({"duration_seconds": " 5"}, "invalid_duration: duration_seconds is ' 5': spaces around it"),
        ({"duration_seconds": "1e3"}, "invalid_duration: duration_seconds is 1e3: no exponent allowed"),
        ({"duration_seconds": "9" * 16}, f"out_of_range_duration: duration_seconds is {'9' * 16}: too many digits"),
        ({"volume_bytes": "many"}, "invalid_volume: volume_bytes is many, not a whole number like 60"),
        ({"service": "fax"}, "unknown_service: service is fax, not one of voice, sms, mms, data, content"),
        ({"identifier": "+491511234567"}, "invalid_identifier: identifier is +491511234567: no + sign allowed"),
        ({"identifier": "0151123"}, "invalid_identifier: identifier is 0151123, not an E.164 number in digits without +"),
        ({"started_at": "2026-10-03T09:12:06"}, "no_offset_started_at: started_at is 2026-10-03T09:12:06: no UTC offset or Z"),
        ({"started_at": "2026-02-30T09:12:06Z"}, "impossible_started_at: started_at is 2026-02-30T09:12:06Z"),
        ({"started_at": "2026-02-03T25:12:06Z"}, "impossible_started_at: started_at is 2026-02-03T25:12:06Z"),
        ({"started_at": "2026-02-03T23:12:06+19:00"}, "impossible_started_at: started_at is 2026-02-03T23:12:06+19:00"),
        ({"started_at": "1999-12-31T23:59:59Z"}, "out_of_range_started_at: started_at is 1999-12-31T23:59:59Z: the year must be 2000 to 2100"),
        ({"started_at": "2101-01-01T00:00:00Z"}, "out_of_range_started_at: started_at is 2101-01-01T00:00:00Z: the year must be 2000 to 2100"),
        ({"started_at": "yesterday"}, "invalid_started_at: started_at is yesterday, not an instant like 2026-10-03T09:12:06+02:00"),
        ({"other_number": ""}, "missing_other_number: other_number is empty, but voice went to some number"),
        ({"service": "data"}, "unexpected_other_number: other_number is 4930123456, but data has none"),
        ({"serving_network": "262"}, "invalid_serving_network: serving_network is 262, not an MCC and MNC of 5 or 6 digits"),
        ({"record_id": "a b"}, "invalid_record_id: record_id is 'a b', not a code of 1 to 100 characters without spaces"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_rejected_with_its_rule(
    settings: Settings, changes: dict[str, str], message: str
) -> None:
    assert rejects_of(settings, "usage", call(**changes)) == [message]
    assert landed(settings, "usage") == []


@pytest.mark.parametrize(
    ("entity", "record", "message"),
    [
        ("payments", '1,2026-11-03,"12,50",EUR,NW-1,', "invalid_amount: amount is '12,50': a comma; write it like 12.50"),
        ("payments", "1,2026-11-03,0.00,EUR,NW-1,", "zero_amount: amount is 0.00, must be above zero"),
        ("payments", "1,2026-11-03,-1,EUR,NW-1,", "negative_amount: amount is -1"),
        ("payments", "1,2026-11-03,1.00005,EUR,NW-1,", "out_of_range_amount: amount is 1.00005: too many digits"),
        ("payments", "1,03.11.2026,1.00,EUR,NW-1,", "invalid_paid_date: paid_date is 03.11.2026, not a date like 2026-10-01"),
        ("payments", "1,2026-11-31,1.00,EUR,NW-1,", "impossible_paid_date: paid_date is 2026-11-31"),
        ("payments", "1,2026-11-03,1.00,Euro,NW-1,", "invalid_currency_code: currency_code is Euro, not a currency code of three capital letters"),
        ("subscription_plans", "s1,flat_s,2026-10-01,2026-10-01", "empty_validity: valid_to 2026-10-01 is not after valid_from 2026-10-01"),
        ("opening_bills", "a1,2026-10-01,2026-10-01,2026-09-01,1,2,EUR", "empty_period: period_end 2026-09-01 is not after period_start 2026-10-01"),
        ("subscriptions", "s1,a1,2026-10-02,2026-10-01,2026-10-02", "terminated_date_before_activated_date: terminated_date 2026-10-01 is before activated_date 2026-10-02"),
        ("billing_accounts", "a1,c1,nordwind,monthly_1,EUR,Europe/Berln,de,email,,2026-01-01,,2026-01-01", "unknown_time_zone: time_zone is 'Europe/Berln', not a time zone like Europe/Berlin"),
        ("customers", "c1,person,Ann,ann@x.de\u00a0,S 1,1,B,DE,,2026-01-01", "invalid_email: email is 'ann@x.de?', not an e-mail address"),
    ],
)  # fmt: skip
def test_every_kind_of_value_is_checked(
    settings: Settings, entity: str, record: str, message: str
) -> None:
    found = rejects_of(settings, entity, record)
    assert [text.replace("\u00a0", "?") for text in found] == [message]


@pytest.mark.parametrize(
    ("session", "message"),
    [
        (",2,", "missing_session_id: session_id is empty, but the record is one of several"),
        (",,true", "missing_session_id: session_id is empty, but the record is one of several"),
        ("s1,2,true", "part_and_total: session_part is 2, but the record counts the whole session"),
        ("s1,-2,", "negative_session_part: session_part is -2"),
    ],
)
def test_a_record_of_a_session_says_which_and_how(
    settings: Settings, session: str, message: str
) -> None:
    sound = ("s1,0,false", "s1,,true", "s1,,", ",,", ",,false")
    header, *records = usage(*(f"{CALL},{one}" for one in (*sound, session))).splitlines()
    named = f"{header},session_id,session_part,is_session_total"
    put(settings, "usage_1.csv", "\n".join([named, *records, ""]))
    assert only(collect_inbox(settings, RECEIVED)).records_accepted == len(sound)
    assert [line.partition(": ")[2] for line in describe_rejects(settings)] == [message]


def test_amounts_land_exact(settings: Settings) -> None:
    header = ",".join(ENTITY_BY_NAME["one_off_charges"].header)
    amounts = ["0.1", "-12.3456", "99999999999999.9999", "0", "007.10"]
    lines = [f"{n},s1,Fee,{amount},EUR,2026-10-05,S" for n, amount in enumerate(amounts)]
    put(settings, "o.csv", "\n".join((header, *lines, "")), "one_off_charges")
    assert only(collect_inbox(settings, RECEIVED)).records_rejected == 0
    expected = [(Decimal(amount),) for amount in amounts]
    assert landed(settings, "one_off_charges", "amount") == expected


def test_record_numbers_are_right_behind_broken_lines(settings: Settings) -> None:
    put(
        settings,
        "usage_bad.csv",
        usage(
            call(record_id="a1"),  # line 2
            "too,few",  # line 3
            call(record_id="a3"),  # line 4
            CALL + ",one more",  # line 5
            CALL + ",",  # line 6
            "",  # line 7
            call(record_id="a7", duration_seconds="-5"),  # line 8
            '"a8' + CALL,  # line 9: a quote that never ends
            call(record_id="a9"),  # line 10
        )
        + CALL[:30],  # line 11, cut off
    )
    row = only(collect_inbox(settings, RECEIVED))
    assert (row.records_read, row.records_accepted, row.records_rejected) == (10, 3, 7)
    assert landed(settings, "usage", "record_number, record_id") == [
        (1, "a1"),
        (3, "a3"),
        (9, "a9"),
    ]
    assert describe_rejects(settings) == [
        "usage/usage_bad.csv:3: column_count: 2 columns instead of 9",
        "usage/usage_bad.csv:5: column_count: 10 columns instead of 9",
        "usage/usage_bad.csv:6: column_count: 10 columns instead of 9",
        "usage/usage_bad.csv:7: blank_line: the line is empty",
        "usage/usage_bad.csv:8: negative_duration: duration_seconds is -5",
        "usage/usage_bad.csv:9: bad_quotes: quotes: unexpected end of data",
        "usage/usage_bad.csv:11: cut_off: the file ends without a line break:"
        " its last record may be cut off",
    ]
    raw = dict(landed(settings, "rejects", "line_number, raw"))
    assert raw[3] == "too,few"
    assert raw[8] == call(record_id="a7", duration_seconds="-5")


def test_quotes_and_line_breaks_in_fields(settings: Settings) -> None:
    header = ",".join(ENTITY_BY_NAME["customers"].header)
    good = 'c{},person,"{}",,"Weg 1, Hof",1,Kiel,DE,,2026-01-01'
    lines = [
        good.format(1, 'Ann ""Nan"" Müller'),
        good.format(2, "two\nlines"),
        good.format(3, "plain").replace("person", "alien"),
        good.format(4, "two\r\nlines"),
    ]
    put(settings, "c.csv", "\r\n".join((header, *lines, "")), "customers")
    row = only(collect_inbox(settings, RECEIVED))
    assert (row.records_read, row.records_accepted) == (4, 3)
    assert landed(settings, "customers", "record_number, customer_name, street") == [
        (1, 'Ann "Nan" Müller', "Weg 1, Hof"),
        (2, "two\nlines", "Weg 1, Hof"),
        (4, "two\r\nlines", "Weg 1, Hof"),
    ]
    assert landed(settings, "rejects", "record_number, line_number, rule") == [
        (3, 5, "unknown_customer_type")
    ]
    assert describe_rejects(settings) == [
        "customers/c.csv:5: unknown_customer_type: customer_type is alien, not one of person, organisation"
    ]


def test_a_byte_order_mark_and_windows_line_breaks_are_taken(settings: Settings) -> None:
    put(settings, "a.csv", b"\xef\xbb\xbf" + usage(CALL).replace("\n", "\r\n").encode())
    assert only(collect_inbox(settings, RECEIVED)).records_accepted == 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty_file: the file has no bytes"),
        (USAGE.encode(), "cut_off: the file ends within its header"),
        (usage(CALL).replace(",", ";").encode(), "wrong_header: columns are separated by semicolons, not commas"),
        (usage(CALL).replace(",", "\t").encode(), "wrong_header: columns are separated by tabs, not commas"),
        (usage(CALL).replace("duration_seconds", "seconds").encode(), "wrong_header: missing duration_seconds; unknown seconds"),
        (usage(CALL).replace("service,direction", "direction,service").encode(), f"wrong_header: expected {USAGE.replace(',', ', ')}; found record_id, direction, service, identifier, other_number, started_at, duration_seconds, volume_bytes, serving_network"),
        (CALL.encode(), None),
        (usage(CALL).encode("utf-16"), "not_utf8: line 1 is not UTF-8 (it looks like UTF-16)"),
        (usage(CALL, call(record_id="ü")).encode("latin-1"), "not_utf8: line 3 is not UTF-8"),
        (usage(CALL).encode() + b"\xc3", "not_utf8: line 3 is not UTF-8"),
        (b"\x1f\x8b\x08\x00rest", "not_utf8: line 1 is not UTF-8 (it looks like gzip)"),
        (b"\n\n", None),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_collected_is_refused_once(
    settings: Settings, content: bytes, reason: str | None
) -> None:
    put(settings, "bad.csv", content)
    put(settings, "good.csv", usage(CALL))
    rows = collect_inbox(settings, RECEIVED)
    assert [row.status for row in rows] == ["rejected", "accepted"]
    assert "\n" not in (rows[0].reason or "")
    if reason:
        assert rows[0].reason == reason
        assert describe_rejects(settings) == [f"usage/bad.csv: {reason}"]
    assert collect_inbox(settings, RECEIVED) == []


def test_the_same_file_twice_is_a_no_op(settings: Settings) -> None:
    put(settings, "a.csv", usage(CALL))
    put(settings, "b.csv", usage(call(record_id="b")))
    assert [row.landing_sequence for row in collect_inbox(settings, RECEIVED)] == [1, 2]
    before = sorted(settings.landing.rglob("*.parquet"))
    assert collect_inbox(settings, NEXT_DAY) == []
    assert sorted(settings.landing.rglob("*.parquet")) == before


def test_the_same_content_under_another_name_is_caught(settings: Settings) -> None:
    put(settings, "a.csv", usage(CALL))
    put(settings, "b.csv", usage(CALL))
    first, second = collect_inbox(settings, RECEIVED)
    assert (first.status, second.status) == ("accepted", "duplicate")
    assert second.reason == "same_content: the same content as a.csv (accepted)"
    put(settings, "c.csv", usage(CALL))
    third = only(collect_inbox(settings, NEXT_DAY))
    assert (third.status, third.landing_sequence, third.records_read) == ("duplicate", 3, 0)
    assert collect_inbox(settings, NEXT_DAY) == []
    assert len(landed(settings, "usage")) == 1
    assert len(read_manifest(settings)) == 3


def test_new_content_under_an_old_name_is_collected(settings: Settings) -> None:
    put(settings, "a.csv", usage(CALL))
    collect_inbox(settings, RECEIVED)
    put(settings, "a.csv", usage(CALL, call(record_id="r2")))
    assert only(collect_inbox(settings, RECEIVED)).records_accepted == 2


def test_a_file_in_the_wrong_folder_is_taken_when_it_is_moved(settings: Settings) -> None:
    wrong = put(settings, "a.csv", usage(CALL), "payments")
    assert only(collect_inbox(settings, RECEIVED)).status == "rejected"
    wrong.unlink()
    put(settings, "a.csv", usage(CALL))
    assert only(collect_inbox(settings, RECEIVED)).status == "accepted"


@pytest.mark.parametrize("crash_at", [1, 2, 3])
def test_a_crash_before_the_manifest_row_changes_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, crash_at: int
) -> None:
    put(settings, "a.csv", usage(CALL, "broken"))
    ensure_landing(settings)
    real, calls = files.replace_atomically, 0

    def crash(temporary: Path, path: Path) -> None:
        nonlocal calls
        calls += 1
        if calls == crash_at:
            raise KeyboardInterrupt
        real(temporary, path)

    monkeypatch.setattr(inbox, "replace_atomically", crash)
    with pytest.raises(KeyboardInterrupt):
        collect_inbox(settings, RECEIVED)
    monkeypatch.undo()
    assert read_manifest(settings) == []
    assert landed(settings, "usage") == []
    # The next day, so that what the crash left lies in another folder.
    row = only(collect_inbox(settings, NEXT_DAY))
    assert (row.landing_sequence, row.records_accepted, row.records_rejected) == (1, 1, 1)
    assert len(landed(settings, "usage")) == len(landed(settings, "rejects")) == 1


def test_odd_names_are_data(settings: Settings) -> None:
    names = ["o'clock.csv", "a[b]*?.csv", "; drop table x.csv", "new\nline.csv", "ü.csv", "x"]
    for number, name in enumerate(names):
        put(settings, name, usage(call(record_id=f"r{number}")))
    raw_name = os.fsencode(settings.inbox / "usage") + b"/\xff\xfe.csv"
    Path(os.fsdecode(raw_name)).write_text(usage(call(record_id="raw")))
    rows = collect_inbox(settings, RECEIVED)
    assert {row.status for row in rows} == {"accepted"}
    assert len(rows) == len(names) + 1
    assert "\\udcff\\udcfe.csv" in {row.file_name for row in read_manifest(settings)}
    put(settings, "line\nbreak.csv", "x")
    collect_inbox(settings, RECEIVED)
    assert all("\n" not in message for message in describe_rejects(settings))


def test_what_is_not_a_finished_file_is_passed_over_with_a_note(settings: Settings) -> None:
    for name in (".hidden.csv", "a.csv.tmp", "b.csv.part"):
        put(settings, name, usage(CALL))
    (settings.inbox / "usage" / "x.csv").mkdir()
    (settings.inbox / "usage" / "gone.csv").symlink_to("/nowhere")
    os.mkfifo(settings.inbox / "usage" / "pipe.csv")
    put(settings, "who.csv", "x", "strangers")
    notes: list[str] = []
    assert collect_inbox(settings, RECEIVED, notes.append) == []
    assert notes == [
        "strangers: skipped: not the folder of an inbox entity",
        "usage/.hidden.csv: skipped: a hidden file",
        "usage/a.csv.tmp: skipped: a temporary name",
        "usage/b.csv.part: skipped: a temporary name",
        "usage/gone.csv: skipped: not a file",
        "usage/pipe.csv: skipped: not a file",
        "usage/x.csv: skipped: not a file",
    ]


def test_a_file_that_changes_while_it_is_read_waits(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(settings, "a.csv", usage(CALL))
    real = records.inspect_file

    def inspect_and_grow(source: Path, delimiter: str) -> Any:
        inspection = real(source, delimiter)
        path.write_text(usage(CALL, call(record_id="r2")))
        return inspection

    monkeypatch.setattr(inbox, "inspect_file", inspect_and_grow)
    notes: list[str] = []
    assert collect_inbox(settings, RECEIVED, notes.append) == []
    assert notes == ["usage/a.csv: skipped: it changed while it was read"]
    monkeypatch.undo()
    assert only(collect_inbox(settings, RECEIVED)).records_accepted == 2


def test_every_landing_table_can_be_read_when_nothing_has_come(settings: Settings) -> None:
    issued = LandingTable(
        "issued_lines", (("issue_id", "varchar"), ("amount", "decimal(18,4)")), "issue_id"
    )
    ensure_landing(settings, [issued])
    tables = (*collected_tables(), issued)
    with duckdb.connect() as connection:
        for table in tables:
            described = connection.execute(
                f"describe select * from read_parquet('{settings.landing}/{table.name}/*/*.parquet',"
                " hive_partitioning=false)"
            ).fetchall()
            assert [(row[0], row[1].lower()) for row in described] == list(table.columns)
    assert (settings.landing / "issued_lines/issue_id=none/empty.parquet").is_file()
    assert read_manifest(settings) == []
    assert describe_rejects(settings) == []


def test_an_empty_parquet_follows_its_declaration(settings: Settings) -> None:
    ensure_landing(settings, [LandingTable("issued_x", (("a", "varchar"),), "issue_id")])
    path = settings.landing / "issued_x/issue_id=none/empty.parquet"
    stamp = path.stat().st_mtime_ns
    ensure_landing(settings, [LandingTable("issued_x", (("a", "varchar"),), "issue_id")])
    assert path.stat().st_mtime_ns == stamp
    ensure_landing(settings, [LandingTable("issued_x", (("b", "date"),), "issue_id")])
    with duckdb.connect() as connection:
        assert connection.execute(f"describe from '{path}'").fetchall()[0][:2] == ("b", "DATE")


EXTENDED = USAGE + ",record_type,rating_group,quantity"


def test_a_file_may_leave_out_columns_that_came_later(settings: Settings) -> None:
    """The record is the same event with the columns as without, when they are empty."""
    put(settings, "1.csv", usage(CALL))
    extended = [EXTENDED, CALL + ",,,", CALL.replace("r1", "r2") + ",usage,video,"]
    put(settings, "2.csv", "".join(f"{line}\n" for line in extended))
    collect_inbox(settings, RECEIVED)
    rows = landed(settings, "usage", "record_id, event_id, rating_group, quantity, amount")
    events = {event_id for record_id, event_id, *_ in rows if record_id == "r1"}
    assert len(events) == 1
    assert [(row[0], *row[2:]) for row in sorted(rows)] == [
        ("r1", None, None, None),
        ("r1", None, None, None),
        ("r2", "video", None, None),
    ]


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (USAGE + ",colour", "wrong_header: unknown colour"),
        (USAGE.removesuffix(",serving_network") + ",quantity", "missing serving_network"),
        (USAGE + ",quantity,record_type", "expected "),
    ],
)
def test_a_header_with_later_columns_keeps_their_order(
    settings: Settings, header: str, reason: str
) -> None:
    put(settings, "1.csv", f"{header}\n")
    assert reason in str(only(collect_inbox(settings, RECEIVED)).reason)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ("-1,0,26299,usage,,", "negative_duration: duration_seconds is -1"),
        ("0,-1,26299,,,", "negative_volume: volume_bytes is -1"),
        ("0,0,26299,,,-1", "negative_quantity: quantity is -1"),
        ("-1,-1,26299,correction,,-1", ""),
        ("1,1,26299,correction,,", ""),
        ("0,0,26299,refund,,", "unknown_record_type: record_type is refund"),
    ],
)
def test_only_a_correction_may_have_quantities_below_zero(
    settings: Settings, changes: str, reason: str
) -> None:
    content = f"{EXTENDED}\n{CALL.removesuffix('60,0,26299')}{changes}\n"
    put(settings, "1.csv", content)
    row = only(collect_inbox(settings, RECEIVED))
    assert row.records_rejected == bool(reason)
    assert reason in "".join(describe_rejects(settings))


def test_an_amount_has_a_currency(settings: Settings) -> None:
    header = USAGE + ",amount,currency_code"
    bought = CALL.replace("voice", "content")
    records = [f"{bought},0.99,EUR", f"{bought},0.99,", f"{bought},-0.99,EUR"]
    put(settings, "1.csv", "".join(f"{line}\n" for line in (header, *records)))
    assert only(collect_inbox(settings, RECEIVED)).records_accepted == 1
    assert [line.split(": ")[1] for line in describe_rejects(settings)] == [
        "missing_currency_code",
        "negative_amount",
    ]


def test_the_declaration_is_sound() -> None:
    for entity in INBOX_ENTITIES:
        assert set(entity.key) <= set(entity.header)
        assert len(set(entity.header)) == len(entity.header)
        for column in entity.columns:
            assert column.kind.faults[-1].when == "true"
    assert "| duration_seconds | yes | whole number |" in describe_entities()
    assert "| rating_group | column may be missing | a code" in describe_entities()
