"""What the sample writes is what the definitions say, and each record comes once."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import duckdb
import pytest
from charging_records import CS_RECORDS, PS_RECORDS, TAP_FILE
from charging_values import (
    FIELD_ROWS,
    RECORD_ROWS,
    component_at,
    packed,
    packed_network,
    packed_time,
    values,
)
from click.testing import CliRunner
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from usage_home import ROOT
from usage_truth import DAY, SEEDS, truth

from orchestration.cli import main
from orchestration.collect.readers.codecs import CODECS
from orchestration.collect.readers.records import FileFacts, NativeRecord, ReaderOptions
from orchestration.collect.readers.registry import READERS
from orchestration.sample import SAMPLE_FORMATS, SampleError, SampleOptions, make_sample
from orchestration.sample.faults import FAULTS
from orchestration.sample.feeds import FEEDS, HOUSE_FEED
from orchestration.sample.formats import ts32298
from orchestration.sample.formats.ber import length_of, read_encoders
from orchestration.sample.formats.codecs import ENCODINGS
from orchestration.sample.formats.events import Event, UsageFile
from orchestration.sample.formats.registry import WRITERS
from orchestration.settings import Settings

MIXED = SampleOptions(subscribers=12, formats=SAMPLE_FORMATS)


# Octets


@examples(deadline=None)
@given(
    st.sampled_from(sorted(CODECS)).flatmap(
        lambda name: st.tuples(st.just(name), values(name, "0"))
    )
)
def test_a_value_is_written_as_another_encoder_packs_it_and_read_again(
    drawn: tuple[str, tuple[Any, str]],
) -> None:
    codec, (given_octets, text) = drawn
    written = ENCODINGS[codec](text)
    if isinstance(given_octets, bytes) and codec != "ip_address":
        # A number of a message may come with the count of its digits or without.
        assert written in (given_octets, bytes([len(text.lstrip("+N"))]) + given_octets)
    assert CODECS[codec](written) == text


def test_every_codec_of_the_dictionary_has_its_inverse() -> None:
    assert set(ENCODINGS) == set(CODECS)


@pytest.mark.parametrize(
    ("size", "octets"),
    [(0, "00"), (127, "7f"), (128, "8180"), (255, "81ff"), (256, "820100"), (65_536, "83010000")],
)
def test_a_length_takes_no_more_octets_than_it_needs(size: int, octets: str) -> None:
    assert length_of(size).hex() == octets


# Records, as pycrate reads them


def packed_as(codec: str, text: str) -> Any:
    """Return what the definition's value is for a text of ours, packed the plain way."""
    kinds = {"+": 0x91, "N": 0xA1}
    if codec in ("number", "sms_number"):
        address = bytes([kinds.get(text[0], 0x81)]) + packed(text.lstrip("+N"))
        return address if codec == "number" else bytes([len(text.lstrip("+N"))]) + address
    plain: dict[str, Any] = {
        "tbcd": packed,
        "timestamp": lambda one: packed_time(datetime.fromisoformat(one)),
        "plmn": packed_network,
        "bcd": lambda one: bytes.fromhex(one + "f" * (len(one) % 2)),
        "octets": bytes.fromhex,
        "integer": int,
        "ip_address": lambda one: ip_address(one).packed,
        "bits": lambda one: (sum(0x80 >> int(bit) for bit in one.split()), 8),
    }
    return plain[codec](text) if codec in plain else text


def at(value: Any, names: list[str]) -> list[Any]:
    """Return the values that lie at the end of a way through choices, sets and lists."""
    if isinstance(value, list):
        return [found for one in value for found in at(one, names)]
    if not names:
        return [value]
    if isinstance(value, tuple):
        return at(value[1], names[1:]) if value[0] == names[0] else []
    return at(value[names[0]], names[1:]) if names[0] in value else []


def check_against_definition(record_type: str, fields: dict[str, str], value: Any) -> int:
    """Check each field that our reader found against what the definition's decoder found."""
    checked = 0
    for row in FIELD_ROWS[record_type]:
        names, found = component_at(record_type, row["tag_path"])
        held = at(value, names)
        if row["field"] not in fields or not held:
            continue
        texts = fields[row["field"]].split(",") if len(held) > 1 else [fields[row["field"]]]
        for one, text in zip(held, texts, strict=True):
            expected = packed_as(row["codec"], text)
            if found.TYPE == "ENUMERATED":
                one = found._cont[one]
            if isinstance(one, bytes) and isinstance(expected, str):
                one = one.decode()
            assert one == expected, (record_type, row["field"])
            checked += 1
    return checked


def read(name: str, path: Path) -> list[Any]:
    return list(READERS[name].read(path, ReaderOptions(SEEDS)))


def test_charging_records_are_what_the_definitions_say(tmp_path: Path) -> None:
    events = [one for one in truth() if ts32298.tells(one) is not None]
    file = UsageFile("msc02", DAY, 1, events, SEEDS)
    records = list(ts32298.records_of(file))
    WRITERS["ts32298"].write(file, tmp_path / "bare")
    found = [one for one in read("ts32298", tmp_path / "bare") if isinstance(one, NativeRecord)]
    seen = set()
    for number, octets in enumerate(records, 1):
        parts = [one for one in found if one.record_number == number]
        record_type = parts[0].fields["record_type"]
        seen.add(record_type)
        choice = PS_RECORDS if record_type.startswith("data") else CS_RECORDS
        choice.from_ber(octets)
        _, value = choice.get_val()
        if len(parts) == 1:
            checked = check_against_definition(record_type, dict(parts[0].fields), value)
            assert checked >= 5
        else:
            assert len(value["listOfServiceData"]) == len(parts)
            for part, container in zip(parts, value["listOfServiceData"], strict=True):
                alone = {**value, "listOfServiceData": [container]}
                assert check_against_definition(record_type, dict(part.fields), alone) > 10
    assert seen == {
        *("voice_outgoing", "voice_incoming", "sms_outgoing", "sms_incoming"),
        "data_packet_gateway",
    }


def test_a_partners_file_is_what_the_definition_says_and_its_audit_adds_up(tmp_path: Path) -> None:
    events = [one for one in truth() if one.partner == "USACG"]
    WRITERS["tap3"].write(UsageFile("USACG", DAY, 7, events, SEEDS), tmp_path / "tap")
    TAP_FILE.from_ber((tmp_path / "tap").read_bytes())
    _, batch = TAP_FILE.get_val()
    *found, facts = read("tap3", tmp_path / "tap")
    assert len(found) == len(batch["callEventDetails"]) == len(events) > 10
    for record, (_, value) in zip(found, batch["callEventDetails"], strict=True):
        fields = dict(record.fields)
        assert check_against_definition(fields["record_type"], fields, value) > 8
    assert isinstance(facts, FileFacts)
    assert facts.totals["charge"] == facts.totals["charge_found"] > 0
    assert (facts.node_id, facts.file_sequence) == ("USACG>DEUNW", 7)
    assert batch["auditControlInfo"]["callEventDetailsCount"] == len(events)
    # A period without usage takes a number too.
    WRITERS["tap3"].write(UsageFile("USACG", DAY, 8, [], SEEDS), tmp_path / "none")
    TAP_FILE.from_ber((tmp_path / "none").read_bytes())
    assert TAP_FILE.get_val()[0] == "notification"


def test_what_no_dictionary_names_is_not_written() -> None:
    encoder = read_encoders(SEEDS)["voice_outgoing"]
    with pytest.raises(KeyError):
        encoder.encode([("colour", "red")])
    assert set(RECORD_ROWS) <= set(read_encoders(SEEDS))


# Which feed brings what


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A month in all formats."""
    settings = Settings(home=tmp_path_factory.mktemp("mixed"), project_root=ROOT)
    make_sample(settings, MIXED)
    return settings


def house_rows(settings: Settings) -> Iterator[dict[str, str]]:
    for path in sorted((settings.inbox / "usage").iterdir()):
        if "_bad01_" not in path.name:
            with path.open(encoding="utf-8") as stream:
                yield from csv.DictReader(stream)


def test_every_feed_sends_a_file_for_every_day(mixed: Settings) -> None:
    for feed in FEEDS:
        count = len(list((mixed.inbox / feed.source_id).iterdir()))
        assert count % 31 == 0 and count >= 31, feed


def test_each_record_comes_once_whatever_the_formats(mixed: Settings, tmp_path: Path) -> None:
    """The ids that files keep, counted with the records of the others, are those of the house."""
    house = Settings(home=tmp_path, project_root=ROOT)
    make_sample(house, replace(MIXED, formats=("house",)))
    every = {row["record_id"]: row for row in house_rows(house)}
    ids = [row["record_id"] for row in house_rows(mixed)]
    with duckdb.connect() as sql:
        ids += [
            one
            for (one,) in sql.execute(
                f"select id from read_parquet('{mixed.inbox}/mediation/*.parquet') union all"
                f" select id from read_csv('{mixed.inbox}/reseller/*.csv', delim = ';')"
            ).fetchall()
        ]
    for source, name, field in (
        ("pbx", "asterisk_csv", "linkedid"),
        ("voip", "freeswitch_csv", "uuid"),
        ("voip_xml", "freeswitch_xml", "uuid"),
    ):
        for path in sorted((mixed.inbox / source).iterdir()):
            if path.stat().st_size:
                ids += {one.fields[field] for one in read(name, path)}
    ids = [one for one in ids if not one.endswith("-tried")]
    # The house's own nodes send some records again.
    assert set(ids) < set(every)
    assert len(set(ids)) > 0.9 * len([one for one in ids if one])
    others = 0
    for source, name in (
        *(("switch", "ts32297"), ("gateway", "ts32297"), ("exchange", "ts32298")),
        *(("roaming", "tap3"), ("nas", "radius_detail"), ("edge", "flow_export")),
        ("charging_function", "chf_json"),
    ):
        for path in sorted((mixed.inbox / source).iterdir()):
            if path.stat().st_size:
                others += sum(
                    isinstance(one, NativeRecord)
                    and one.fields.get("Acct-Status-Type", "Stop") == "Stop"
                    and one.fields.get("part_count") != "0"
                    for one in read(name, path)
                )
    assert len(set(ids)) + others == len(every)


def test_the_same_options_give_the_same_bytes_in_every_format(
    mixed: Settings, tmp_path: Path
) -> None:
    again = Settings(home=tmp_path, project_root=ROOT)
    summary = make_sample(again, MIXED)
    for name in summary.files:
        assert (again.inbox / name).read_bytes() == (mixed.inbox / name).read_bytes(), name


def test_what_no_format_can_tell_of_comes_in_the_houses_own(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, project_root=ROOT)
    make_sample(settings, replace(MIXED, formats=("radius_detail", "freeswitch_csv")))
    assert sorted(path.name for path in settings.inbox.iterdir() if path.name in known()) == [
        *("nas", HOUSE_FEED, "voip"),
    ]
    rows = list(house_rows(settings))
    # Neither has messages or anything abroad, and the switch's clock says one hour twice.
    at_home = {row["service"] for row in rows if row["serving_network"] == "26299"}
    assert at_home <= {"sms", "voice"}
    calls = [row for row in rows if row["service"] == "voice" and row["serving_network"] == "26299"]
    assert all(
        row["started_at"].startswith("2026-10-25T02:") or row["duration_seconds"] == "0"
        for row in calls
    )
    assert any(row["serving_network"] != "26299" for row in rows)


def known() -> set[str]:
    return {HOUSE_FEED, *(feed.source_id for feed in FEEDS)}


def test_faults_are_listed_and_what_they_took_lies_ready_to_be_sent(tmp_path: Path) -> None:
    whole = Settings(home=tmp_path / "whole", project_root=ROOT)
    faulty = Settings(home=tmp_path / "faulty", project_root=ROOT)
    options = replace(MIXED, subscribers=30, formats=("house", "ts32297", "asterisk_csv"))
    make_sample(whole, options)
    assert not (whole.home / "sample" / "faults.csv").exists()
    summary = make_sample(faulty, replace(options, faults=True))
    with (faulty.home / "sample" / "faults.csv").open(encoding="utf-8") as stream:
        injected = list(csv.DictReader(stream))
    sources = {"usage", "switch", "gateway", "pbx"}
    planned = {(one.kind, one.source_id) for one in FAULTS if one.source_id in sources}
    assert {(one["kind"], one["source_id"]) for one in injected} - planned == {
        *(("sent_again", source) for source in ("switch", "gateway", "pbx")),
        *(("changed", source) for source in ("switch", "pbx")),
    }
    assert planned <= {(one["kind"], one["source_id"]) for one in injected}
    later = sorted((faulty.home / "sample" / "later").glob("*/*"))
    assert len(later) == len([one for one in FAULTS if one.source_id in sources]) - 2
    for path in later:
        name = f"{path.parent.name}/{path.name}"
        assert path.read_bytes() == (whole.inbox / name).read_bytes()
        damaged = faulty.inbox / name
        assert not damaged.exists() or damaged.read_bytes() != path.read_bytes()
    # What a fault took away is no reason to make the month again.
    assert make_sample(faulty, replace(options, faults=True)) == replace(summary, is_new=False)


def test_a_format_that_is_none_is_told_with_those_that_are(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, project_root=ROOT)
    with pytest.raises(SampleError, match=r"tap4 is no format: house, csv, parquet, "):
        make_sample(settings, replace(MIXED, formats=("tap4",)))
    answer = CliRunner().invoke(
        main, ["--home", str(tmp_path), "sample", "--subscribers", "3", "--formats", "tap3"]
    )
    assert answer.exit_code == 0, answer.output
    other = CliRunner().invoke(
        main, ["--home", str(tmp_path), "sample", "--subscribers", "3", "--formats", "all"]
    )
    assert "with another formats (house,tap3): use another TOLLHOUSE_HOME" in other.output


def test_an_event_knows_who_called_whom() -> None:
    event = truth()[0]
    outgoing = event._replace(direction="outgoing", identifier="491", other_number="492")
    incoming = outgoing._replace(direction="incoming")
    assert (outgoing.caller, outgoing.called) == ("491", "492")
    assert (incoming.caller, incoming.called) == ("492", "491")
    assert isinstance(outgoing, Event)
