"""The same usage comes out of the network's own files as out of the house's CSV."""

from __future__ import annotations

import csv
import json
import struct
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import duckdb
import pytest
from charging_records import TAP_FILE, encode
from charging_values import oracle_of, packed, packed_network, packed_time
from test_tap3 import call as call_abroad
from test_tap3 import message, transfer
from usage_home import RECEIVED, ROOT, landed, put

from orchestration.collect.inbox import collect_inbox, describe_rejects
from orchestration.sample import SampleOptions, make_sample
from orchestration.settings import Settings
from orchestration.verify.evidence import Evidence, view_landing
from orchestration.verify.fates import native_records_have_fates

Call = dict[str, str]
HOME_NETWORK = "26299"
# A partner of `usage_source_values`, and the network that it stands for.
PARTNER, ABROAD = "GBRVF", "23415"
TOLD = (
    "service, direction, identifier, other_number,"
    " strftime(started_at, '%Y-%m-%dT%H:%M:%SZ'), utc_offset_minutes, duration_seconds,"
    " volume_bytes, serving_network"
)


def number(digits: str) -> bytes:
    """Return a number as a switch writes it: international or, at home, in one of three ways."""
    if len(digits) <= 6:
        return b"\x81" + packed(digits)
    if digits.startswith("49") and digits[-1] in "123":
        return b"\xa1" + packed(digits[2:])
    if digits.startswith("49") and digits[-1] in "456":
        return b"\x81" + packed(f"0{digits[2:]}")
    return b"\x91" + packed(digits)


def switch_record(index: int, call: Call) -> bytes:
    """Return a call or message as a record of the switch."""
    at = packed_time(datetime.fromisoformat(call["started_at"]))
    place = {"2": packed_network(call["serving_network"])}
    reference, switch = index.to_bytes(4, "big"), number("491710000000")
    msisdn, other = number(call["identifier"]), call["other_number"]
    if call["service"] == "sms" and call["direction"] == "incoming":
        return encode(
            oracle_of("sms_incoming"), {"7": {"4": msisdn, "6": switch, "7": place, "8": at}}
        )
    if call["service"] == "sms":
        tags = {"3": msisdn, "6": switch, "7": place, "8": bytes([index & 0xFF]), "9": at}
        return encode(oracle_of("sms_outgoing"), {"6": {**tags, "12": number(other)}})
    duration = int(call["duration_seconds"])
    if call["direction"] == "incoming":
        tags = {"3": msisdn, "6": switch, "9": place, "20": at, "22": duration, "29": reference}
        calling = {"4": number(other)} if other else {}
        return encode(oracle_of("voice_incoming"), {"1": tags | calling})
    tags = {"3": msisdn, "5": number(other), "9": switch, "12": place, "22": at, "23": at}
    return encode(oracle_of("voice_outgoing"), {"0": {**tags, "25": duration, "32": reference}})


def gateway_record(index: int, sessions: Sequence[Call]) -> bytes:
    """Return the sessions of one subscriber as one record, a container for each."""
    containers = []
    for session in sessions:
        volume = int(session["volume_bytes"])
        at = packed_time(datetime.fromisoformat(session["started_at"]))
        container = {"1": 10, "5": at, "7": int(session["duration_seconds"]), "13": volume // 3 * 2}
        # What no octet was sent for is left out: a missing volume is none.
        up = volume - volume // 3 * 2
        containers.append({"u16": container | ({"12": up} if up else {})})
    tags = {
        "5": index,
        "13": containers[0]["u16"]["5"],
        "18": "pgw01",
        "20": index,
        "22": number(sessions[0]["identifier"]),
        "27": packed_network(sessions[0]["serving_network"]),
        "34": containers,
    }
    return encode(oracle_of("data_packet_gateway"), {"79": tags})


def charging_request(index: int, sessions: Sequence[Call]) -> dict[str, Any]:
    """Return the sessions of one subscriber as one report to the charging function."""
    place = sessions[0]["serving_network"]
    units = [
        {
            "ratingGroup": 10,
            "usedUnitContainer": [
                {
                    "localSequenceNumber": number,
                    "time": int(session["duration_seconds"]),
                    "totalVolume": int(session["volume_bytes"]),
                    "pDUContainerInformation": {"timeofFirstUsage": session["started_at"]},
                }
            ],
        }
        for number, session in enumerate(sessions, 1)
    ]
    return {
        "nfConsumerIdentification": {"nFName": "smf01"},
        "invocationSequenceNumber": 1,
        "multipleUnitUsage": units,
        "pDUSessionChargingInformation": {
            "chargingId": index,
            "userInformation": {"servedGPSI": f"msisdn-{sessions[0]['identifier']}"},
            "pduSessionInformation": {"servingCNPlmnId": {"mcc": place[:3], "mnc": place[3:]}},
        },
    }


def charging_file(records: Sequence[bytes], sequence: int) -> bytes:
    """Return a file of TS 32.297."""
    body = b"".join(struct.pack(">HBB", len(one), 0x40, 0x20) + one for one in records)
    rest = struct.pack(
        ">BBIIIIB20sBHH", 64, 64, 0, 0, len(records), sequence, 0, bytes(20), 0, 0, 0
    )
    size = 8 + len(rest)
    return struct.pack(">II", size + len(body), size) + rest + body


def partner_file(calls: Iterable[Call], kind: bytes = b"") -> bytes:
    """Return calls abroad as the partner's file, whose clock has two offsets."""
    offsets = {"+02:00": 0, "+01:00": 1}
    events = []
    for call in calls:
        local, offset = call["started_at"][:19], call["started_at"][19:]
        stamp = {"a16": "".join(filter(str.isdigit, local)).encode(), "a232": offsets[offset]}
        subscriber = {"a427": {"a199": {"a152": bcd(call["identifier"])}}}
        charges = [{"a69": {"a66": b"D", "a64": [{"a63": {"a71": b"00", "a62": 1}}]}}]
        if call["service"] == "data":
            basic = {"a115": subscriber, "a44": stamp, "a223": int(call["duration_seconds"])}
            used = {"a250": 0, "a251": int(call["volume_bytes"]), "a70": charges}
            events.append({"a14": {"a114": basic, "a121": used}})
            continue
        service = b"22" if call["service"] == "sms" else b"11"
        details = [{"a39": {"a36": {"a426": {"a218": service}}, "a70": charges}}]
        basic = {**subscriber, "a44": stamp, "a223": int(call["duration_seconds"])}
        if call["direction"] == "incoming":
            basic["a41"] = {"a405": bcd(call["other_number"])} if call["other_number"] else {}
            events.append({"a10": {"a153": basic, "a38": details}})
        else:
            basic["a89"] = {"a407": bcd(call["other_number"])}
            events.append({"a9": {"a147": basic, "a38": details}})
    control = {"a196": PARTNER.encode(), "a182": b"DEUNW", "a109": b"00001"}
    listed = [
        {"a233": {"a232": code, "a231": offset.replace(":", "").encode()}}
        for offset, code in offsets.items()
    ]
    audit = {"a415": len(events), "a226": 0, "a225": 0, "a43": len(events)}
    tree = {
        "a4": control | ({"a110": kind} if kind else {}),
        "a5": {"a244": 3},
        "a6": {"a234": listed},
        "a3": events,
        "a15": audit,
    }
    return encode(TAP_FILE, {"a1": tree})


def bcd(digits: str) -> bytes:
    return bytes.fromhex(digits + "f" * (len(digits) % 2))


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> list[Call]:
    """A month of the sample operator's usage, each record once, some of it abroad."""
    home = Settings(home=tmp_path_factory.mktemp("truth"), project_root=ROOT)
    make_sample(home, SampleOptions(subscribers=12))
    calls: dict[str, Call] = {}
    for path in sorted((home.inbox / "usage").iterdir()):
        if "_bad01_" not in path.name:
            with path.open(encoding="utf-8") as stream:
                calls |= {row["record_id"]: row for row in csv.DictReader(stream)}
    for call in calls.values():
        call["serving_network"] = call["serving_network"].replace("20801", ABROAD)
        if (call["service"], call["direction"]) == ("sms", "incoming"):
            call["other_number"] = ""  # A switch does not write who sent it.
    kept = list(calls.values())
    assert {call["service"] for call in kept} == {"voice", "sms", "data"}
    assert {call["direction"] for call in kept} == {"outgoing", "incoming"}
    return kept


def make_house_file(calls: Sequence[Call]) -> str:
    header = ",".join(calls[0])
    return "\n".join([header, *(",".join(call.values()) for call in calls), ""])


def test_the_networks_files_tell_the_same_usage_as_the_houses_csv(
    truth: list[Call], tmp_path: Path
) -> None:
    house = Settings(home=tmp_path / "house", project_root=ROOT)
    put(house, "usage", "usage_1.csv", make_house_file(truth))
    collect_inbox(house, RECEIVED)

    network = Settings(home=tmp_path / "network", project_root=ROOT)
    abroad = [call for call in truth if call["serving_network"] == ABROAD]
    here = [call for call in truth if call["serving_network"] != ABROAD]
    calls = [call for call in here if call["service"] != "data"]
    data: dict[tuple[str, str], list[Call]] = {}
    for call in here:
        if call["service"] == "data":
            data.setdefault((call["identifier"], call["serving_network"]), []).append(call)
    half = len(calls) // 2
    for sequence, part in ((1, calls[:half]), (2, calls[half:])):
        records = [switch_record(sequence << 20 | i, call) for i, call in enumerate(part)]
        put(network, "switch", f"msc01_{sequence}", charging_file(records, sequence))
    older, newer = list(data.values())[::2], list(data.values())[1::2]
    sessions = [gateway_record(index, one) for index, one in enumerate(older)]
    put(network, "gateway", "pgw01_7", charging_file(sessions, 7))
    put(network, "roaming", "CDGBRVFDEUNW00001", partner_file(abroad))
    reports = [charging_request(index, one) for index, one in enumerate(newer)]
    put(network, "charging_function", "smf01_3.json", json.dumps(reports))
    rows = collect_inbox(network, RECEIVED)

    assert describe_rejects(network) == []
    assert [(row.records_read, row.records_declared, row.file_sequence) for row in rows] == [
        (half, half, 1),
        (len(calls) - half, len(calls) - half, 2),
        (len(older), len(older), 7),
        (len(abroad), len(abroad), 1),
        (len(newer), None, 3),
    ]
    with duckdb.connect() as sql:
        view_landing(sql, network)
        evidence = Evidence(network, cast(Any, None), network.exports, sql)
        assert not native_records_have_fates(evidence).details
    assert abroad and rows[2].rows_landed > rows[2].records_read
    assert sorted(landed(network, TOLD), key=repr) == sorted(landed(house, TOLD), key=repr)
    ids = landed(network, "record_id")
    assert len(set(ids)) == len(ids) == len(truth)


def test_every_record_has_one_fate_and_its_bytes_if_it_is_broken(
    truth: list[Call], tmp_path: Path
) -> None:
    settings = Settings(home=tmp_path, project_root=ROOT)
    calls = [call for call in truth if call["service"] == "voice"][:3]
    whole = [switch_record(index, call) for index, call in enumerate(calls)]
    broken = bytearray(whole[0])
    broken[3] = 0x7E
    tried = encode(oracle_of("voice_outgoing"), {"0": {"22": packed_time(RECEIVED.astimezone())}})
    transit = encode(oracle_of("transit"), {"5": {}})
    nobody = encode(oracle_of("voice_outgoing"), {"0": {"25": 5}})
    content = charging_file([*whole, bytes(broken), tried, transit, nobody], 1)
    put(settings, "switch", "msc01_1", content[:-1])
    (row,) = collect_inbox(settings, RECEIVED)
    assert (row.records_read, row.records_accepted, row.records_filtered) == (7, 3, 2)
    assert [line.split(": ")[1] for line in describe_rejects(settings)] == [
        "length_beyond_end",
        "cut_off",
    ]
    assert landed(settings, "raw_bytes", "rejects")[0] == (bytes(broken),)
    assert sorted(landed(settings, "reason", "filtered")) == [
        ("no_usage_of_a_subscriber",),
        ("not_answered",),
    ]
    assert row.bytes_declared == row.size_bytes + 1


def test_test_data_of_a_partner_is_never_usage(truth: list[Call], tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, project_root=ROOT)
    calls = [call for call in truth if call["serving_network"] == ABROAD]
    put(settings, "roaming", "TDGBRVFDEUNW00001", partner_file(calls, b"T"))
    (row,) = collect_inbox(settings, RECEIVED)
    assert (row.records_accepted, row.records_filtered) == (0, len(calls))
    assert row.is_test


def test_a_partner_that_nobody_named_is_not_passed_over(truth: list[Call], tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, project_root=ROOT)
    calls = [call for call in truth if call["serving_network"] == ABROAD][:1]
    content = partner_file(calls).replace(PARTNER.encode(), b"XXXXX")
    put(settings, "roaming", "CDXXXXXDEUNW00001", content)
    (row,) = collect_inbox(settings, RECEIVED)
    assert (row.records_accepted, row.records_rejected) == (0, 1)
    assert "unmapped_value" in describe_rejects(settings)[0]


def test_what_no_mapping_knows_is_rejected_by_name(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, project_root=ROOT)
    put(
        settings, "roaming", "CD1", transfer((message(), call_abroad())).replace(b"GBRXX", b"GBRVF")
    )
    put(settings, "gateway", "voice", charging_file([encode(oracle_of("transit"), {"5": {}})], 1))
    gateway, roaming = collect_inbox(settings, RECEIVED)
    assert (roaming.records_accepted, roaming.records_rejected) == (1, 1)
    assert (gateway.records_accepted, gateway.records_rejected) == (0, 1)
    assert [line.split(": ")[1] for line in describe_rejects(settings)] == ["unmapped_value"] * 2


def test_what_a_visitor_uses_and_what_is_billed_from_roaming_is_filtered(
    truth: list[Call], tmp_path: Path
) -> None:
    settings = Settings(home=tmp_path, project_root=ROOT)
    sessions = [call for call in truth if call["service"] == "data"][:2]
    requests = []
    for index, roamer in enumerate(("IN_BOUND", "OUT_BOUND", None)):
        request = charging_request(index, sessions)
        request["pDUSessionChargingInformation"]["userInformation"]["roamerInOut"] = roamer
        requests.append(json.dumps(request))
    put(settings, "charging_function", "smf01_1.json", "\n".join(requests))
    (row,) = collect_inbox(settings, RECEIVED)
    assert (row.records_accepted, row.rows_landed) == (1, 2)
    reasons = landed(settings, "record_number, reason", "filtered")
    assert reasons == [(1, "no_usage_of_a_subscriber"), (2, "billed_from_roaming")]
