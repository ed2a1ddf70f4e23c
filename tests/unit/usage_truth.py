"""The same usage in every format: one table of truth, and a writer per format."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote_plus
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

import duckdb

ZONE = ZoneInfo("Europe/Berlin")


@dataclass(frozen=True)
class Usage:
    """One row of usage as it must land, whatever format brought it."""

    record_id: str
    service: str
    direction: str
    identifier: str
    other_number: str
    started_at: datetime
    duration_seconds: int
    volume_bytes: int

    @property
    def local(self) -> datetime:
        return self.started_at.astimezone(ZONE)

    @property
    def clock(self) -> str:
        return self.local.strftime("%Y-%m-%d %H:%M:%S")

    @property
    def epoch(self) -> int:
        return int(self.started_at.timestamp())

    @property
    def caller(self) -> str:
        return self.identifier if self.direction == "outgoing" else self.other_number

    @property
    def called(self) -> str:
        return self.other_number if self.direction == "outgoing" else self.identifier


def calls(count: int) -> list[Usage]:
    """Return calls of all lengths around both changes of the clock and through the year.

    None starts in the second of two equal hours: a clock without an offset cannot say so.
    """
    found = []
    starts = [datetime(2026, 3, 28, 23, 58, tzinfo=UTC), datetime(2026, 10, 24, 21, 58, tzinfo=UTC)]
    for number in range(count):
        start = starts[number % 2] + timedelta(seconds=number // 2 * 97)
        is_outgoing = number % 3 != 0
        found.append(
            Usage(
                record_id=f"call-{number}",
                service="voice",
                direction="outgoing" if is_outgoing else "incoming",
                identifier=f"49151{number:08d}",
                other_number=f"{(33, 49, 1)[number % 3]}{200_000_000 + number * 7919}",
                started_at=_not_repeated(start),
                duration_seconds=1 + number * number % 7_200,
                volume_bytes=0,
            )
        )
    return found


def _not_repeated(start: datetime) -> datetime:
    is_second = start.astimezone(ZONE).fold == 1
    return start + timedelta(hours=1) if is_second else start


def sessions(count: int) -> list[Usage]:
    """Return data sessions whose octets pass 2^32, in and out."""
    return [
        Usage(
            record_id=f"198.51.100.{number % 250}-S{number:06x}",
            service="data",
            direction="outgoing",
            identifier=f"49151{number:08d}",
            other_number="",
            started_at=_not_repeated(
                datetime(2026, 10, 24, 22, tzinfo=UTC) + timedelta(seconds=number * 131)
            ),
            duration_seconds=number * 61 % 86_400,
            volume_bytes=number * 123_456_789_012 % 2**36 + number % 2,
        )
        for number in range(count)
    ]


def dialled(number: str, turn: int) -> str:
    """Return a number as people dial it, in one of many ways."""
    national = number.startswith("49") and turn % 3
    if national:
        return f"0{number[2:5]} {number[5:]}"
    return f"+{number}" if turn % 2 else f"00{number}"


def house_csv(rows: Sequence[Usage], path: Path) -> None:
    """Write the house's own format."""
    lines = [
        "record_id,service,direction,identifier,other_number,started_at,duration_seconds,"
        "volume_bytes,serving_network"
    ]
    for row in rows:
        start = row.local.isoformat()
        numbers = f"{row.identifier},{row.other_number}"
        measured = f"{row.duration_seconds},{row.volume_bytes},26299"
        lines.append(f"{row.record_id},{row.service},{row.direction},{numbers},{start},{measured}")
    path.write_text("\n".join(lines) + "\n")


def foreign_csv(rows: Sequence[Usage], path: Path) -> None:
    """Write a CSV with local times, milliseconds, kilobytes and dialled numbers."""
    lines = ["id;kind;way;a;b;begin;ms;kb;rest"]
    for turn, row in enumerate(rows):
        begin = row.local.strftime("%d.%m.%Y %H:%M:%S")
        other = dialled(row.other_number, turn) if row.other_number else ""
        whole, rest = divmod(row.volume_bytes, 1_000)
        lines.append(
            f"{row.record_id};{row.service};{row.direction};{dialled(row.identifier, turn)};"
            f"{other};{begin};{row.duration_seconds * 1000 - row.duration_seconds % 2};"
            f"{whole};{rest}"
        )
    path.write_text("\n".join(lines) + "\n")


def parquet(rows: Sequence[Usage], path: Path) -> None:
    """Write a Parquet file with instants and whole numbers."""
    with duckdb.connect() as sql:
        sql.execute("set timezone = 'UTC'")
        sql.execute(
            "create table rows (id varchar, kind varchar, way varchar, a varchar, b varchar,"
            " begin timestamptz, seconds bigint, bytes bigint)"
        )
        sql.executemany(
            "insert into rows values (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    *(row.record_id, row.service, row.direction, row.identifier),
                    *(row.other_number or None, row.started_at, row.duration_seconds),
                    row.volume_bytes,
                )
                for row in rows
            ],
        )
        sql.execute(f"copy rows to '{path}' (format parquet)")


def asterisk(rows: Sequence[Usage], path: Path) -> None:
    """Write a Master.csv: each call as two legs that overlap, beside one that nobody answered."""
    stream = io.StringIO()
    writer = csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\n")
    for turn, row in enumerate(rows):
        caller, called = dialled(row.caller, turn), dialled(row.called, turn)
        context = "from-internal" if row.direction == "outgoing" else "from-trunk"
        later = (row.local + timedelta(seconds=row.duration_seconds)).strftime("%Y-%m-%d %H:%M:%S")
        legs = [("", later, 60, "NO ANSWER"), (row.clock, later, row.duration_seconds, "ANSWERED")]
        if row.duration_seconds > 1:
            legs.append((row.clock, later, row.duration_seconds - 1, "ANSWERED"))
        for leg, (answer, end, seconds, disposition) in enumerate(legs):
            writer.writerow(
                (
                    *("", caller, called, context, f'"A" <{caller}>', "SIP/a", "SIP/b", "Dial"),
                    *("SIP/b,60", row.clock, answer, end, seconds + 5, seconds, disposition),
                    *("DOCUMENTATION", f"pbx-{turn}.0", "", "", row.record_id, leg),
                )
            )
    path.write_text(stream.getvalue())


def freeswitch_csv(rows: Sequence[Usage], path: Path) -> None:
    """Write mod_cdr_csv's default template, an unanswered call beside each."""
    stream = io.StringIO()
    writer = csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\n")
    for turn, row in enumerate(rows):
        context = "default" if row.direction == "outgoing" else "public"
        for uuid, answer, seconds in (
            (row.record_id, row.clock, row.duration_seconds),
            ("x", "", 0),
        ):
            writer.writerow(
                (
                    *(
                        "A",
                        dialled(row.caller, turn),
                        dialled(row.called, turn),
                        context,
                        row.clock,
                    ),
                    *(
                        answer,
                        row.clock,
                        seconds + 5,
                        seconds,
                        "NORMAL_CLEARING",
                        uuid,
                        "",
                        "",
                        "",
                        "",
                    ),
                )
            )
    path.write_text(stream.getvalue())


def freeswitch_xml(rows: Sequence[Usage], path: Path) -> None:
    """Write one `<cdr>` behind the other, values URL-encoded."""
    with path.open("w") as stream:
        for turn, row in enumerate(rows):
            direction = "inbound" if row.direction == "outgoing" else "outbound"
            variables = {
                "uuid": row.record_id,
                "direction": direction,
                "answer_epoch": str(row.epoch),
                "billsec": str(row.duration_seconds),
                "sip_full_from": f'"Ann & Co" <sip:{row.caller}@pbx>',
            }
            encoded = "".join(f"<{k}>{escape(quote_plus(v))}</{k}>" for k, v in variables.items())
            profile = (
                f"<caller_id_number>{quote_plus(dialled(row.caller, turn))}</caller_id_number>"
                f"<destination_number>{quote_plus(dialled(row.called, turn))}</destination_number>"
            )
            stream.write(
                f'<?xml version="1.0"?>\n<cdr core-uuid="c0de"><variables>{encoded}</variables>'
                f"<callflow><caller_profile>{profile}</caller_profile></callflow></cdr>\n"
            )


def radius_detail(rows: Sequence[Usage], path: Path) -> None:
    """Write Start, Interim-Update and Stop of each session, some requests late."""
    with path.open("w") as stream:
        for turn, row in enumerate(rows):
            nas, _, session = row.record_id.partition("-")
            received, sent = divmod(row.volume_bytes // 3, 2**32), row.volume_bytes
            sent_high, sent_low = divmod(sent - (received[0] * 2**32 + received[1]), 2**32)
            for status, part in (("Start", 0), ("Interim-Update", 1), ("Stop", 2)):
                lasted = row.duration_seconds * part // 2
                delay = turn % 7
                attributes = {
                    "Acct-Status-Type": status,
                    "NAS-IP-Address": nas,
                    "Acct-Session-Id": f'"{session}"',
                    "Calling-Station-Id": f'"{dialled(row.identifier, turn)}"',
                    "Acct-Session-Time": lasted,
                    "Acct-Input-Octets": received[1],
                    "Acct-Input-Gigawords": received[0],
                    "Acct-Output-Octets": sent_low,
                    "Acct-Output-Gigawords": sent_high,
                    "Acct-Delay-Time": delay,
                    "Timestamp": row.epoch + lasted + delay,
                }
                stream.write(row.local.strftime("%a %b %e %H:%M:%S %Y\n"))
                stream.writelines(f"\t{name} = {value}\n" for name, value in attributes.items())
                stream.write("\n")


def chf_json(rows: Sequence[Usage], path: Path) -> None:
    """Write an array of charging data requests, the start of each session beside its report.

    Some say what went up and down, some the total, which is not told twice where all three stand.
    """
    requests = []
    for turn, row in enumerate(rows):
        smf, _, session = row.record_id.partition("-")
        up = row.volume_bytes // 3
        ways = {"uplinkVolume": up, "downlinkVolume": row.volume_bytes - up}
        total = {"totalVolume": row.volume_bytes}
        used = {
            "localSequenceNumber": 1,
            "time": row.duration_seconds,
            "pDUContainerInformation": {"timeofFirstUsage": row.local.isoformat()},
            **(ways, total, ways | total)[turn % 3],
        }
        plmn = {"mcc": "262", "mnc": "99"}
        request = {
            "subscriberIdentifier": f"imsi-26299{turn:010d}",
            "nfConsumerIdentification": {"nFName": smf, "nodeFunctionality": "SMF"},
            "invocationSequenceNumber": 0,
            "pDUSessionChargingInformation": {
                "chargingId": session,
                "userInformation": {"servedGPSI": f"msisdn-{row.identifier}"},
                "pduSessionInformation": {"servingCNPlmnId": plmn, "dnnId": "internet"},
            },
        }
        requests.append(request)
        units = [{"ratingGroup": 10, "usedUnitContainer": [used]}]
        requests.append(request | {"invocationSequenceNumber": 1, "multipleUnitUsage": units})
    path.write_text(json.dumps(requests, indent=turn % 2 or None))


Writer = Callable[[Sequence[Usage], Path], None]
