"""Sessions told in several records: each byte is counted once, and what lacks a part waits."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import duckdb
import pytest
from billing_homes import Home

from orchestration.verify import LawCheck, broken_laws
from orchestration.verify.evidence import attach, open_evidence
from orchestration.verify.fates import CHECKS

pytestmark = pytest.mark.heavy

# House files with the columns of sessions; times are within the month that was billed.
HEADER = (
    "record_id,service,direction,identifier,other_number,started_at,duration_seconds,"
    "volume_bytes,serving_network,session_id,session_part,is_session_total"
)
FIRST, SECOND = datetime(2026, 11, 2, 3, tzinfo=UTC), datetime(2026, 11, 3, 3, tzinfo=UTC)


def _session(identifier: str, record: str, seconds: int, volume: int) -> str:
    start = "2026-10-20T10:00:00+02:00"
    return f"{record},data,outgoing,{identifier},,{start},{seconds},{volume},26299,nas-1,,true"


def _part(identifier: str, record: str, part: int, clock: str, volume: int) -> str:
    start = f"2026-10-21T{clock}+02:00"
    return f"{record},data,outgoing,{identifier},,{start},60,{volume},26299,pgw-1,{part},"


def _report(identifier: str, invocation: int, volumes: dict[int, int]) -> dict[str, Any]:
    """Return a report to the charging function: volumes by the numbers of their containers."""
    used = [
        {
            "localSequenceNumber": number,
            "totalVolume": volume,
            "pDUContainerInformation": {"timeofFirstUsage": f"2026-10-22T{number:02d}:00:00Z"},
        }
        for number, volume in volumes.items()
    ]
    return {
        "nfConsumerIdentification": {"nFName": "smf01"},
        "invocationSequenceNumber": invocation,
        "multipleUnitUsage": [{"ratingGroup": 10, "usedUnitContainer": used}],
        "pDUSessionChargingInformation": {
            "chargingId": 77,
            "userInformation": {"servedGPSI": f"msisdn-{identifier}"},
        },
    }


def _deliver(home: Home, name: str, rows: list[str], reports: list[dict[str, Any]]) -> None:
    for folder, content in (
        ("usage", "\n".join([HEADER, *rows, ""])),
        ("charging_function", json.dumps(reports)),
    ):
        path = home.settings.inbox / folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)


def _told(home: Home, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(home.settings.warehouse), read_only=True) as sql:
        return sql.execute(query).fetchall()


FATES = """
    select usage.record_id, fates.fate, fates.volume_bytes, cast(fates.started_at as varchar)
    from staging.stg_landing__usage as usage
    inner join (
        select file_id, record_number, 'rated' as fate, volume_bytes, started_at
        from marts.fct_rated_usage
        union all
        select file_id, record_number, suspense_reason, volume_bytes, started_at
        from marts.fct_suspended_usage
        union all
        select file_id, record_number, duplicate_reason, null, null
        from intermediate.int_usage__duplicates
    ) as fates using (file_id, record_number)
    where usage.session_id is not null
    order by usage.record_id
"""


def _law_checks(home: Home) -> list[LawCheck]:
    with open_evidence(home.settings, home.ledger, home.settings.exports) as evidence:
        attach(evidence.sql, home.settings.warehouse, "warehouse")
        return [check(evidence) for check in CHECKS]


def test_a_session_is_counted_once_and_a_missing_part_is_waited_for(billed_copy: Home) -> None:
    home = billed_copy
    ((identifier,),) = _told(
        home, "select min(identifier) from marts.fct_rated_usage where service = 'data'"
    )

    # An open session, and parts 1, 2 and 4 of another.
    _deliver(
        home,
        "sessions_1.csv",
        [
            _session(identifier, "interim-1", 600, 1_000),
            _part(identifier, "part-1", 1, "10:00:00", 100),
        ],
        [_report(identifier, 1, {1: 10, 2: 20}), _report(identifier, 3, {4: 40})],
    )
    home.collect(FIRST)
    home.build("+rpt_control_totals")
    first = _told(home, FATES)
    assert first == [
        ("interim-1", "rated", 1_000, "2026-10-20 08:00:00"),
        ("part-1", "rated", 100, "2026-10-21 08:00:00"),
        ("smf01-77-1-10-1", "rated", 10, "2026-10-22 01:00:00"),
        ("smf01-77-1-10-2", "rated", 20, "2026-10-22 02:00:00"),
        ("smf01-77-3-10-4", "awaiting_parts", 40, "2026-10-22 04:00:00"),
    ]
    assert not broken_laws(_law_checks(home))

    # The Stop, an interim that comes late, a part that tells another one's time; the part that was
    # missing, and one that was sent again with another volume.
    _deliver(
        home,
        "sessions_2.csv",
        [
            _session(identifier, "interim-0", 300, 500),
            _session(identifier, "stop", 7_200, 2_500),
            _part(identifier, "part-2", 2, "10:00:30", 200),
        ],
        [_report(identifier, 2, {3: 30}), _report(identifier, 4, {2: 21})],
    )
    home.collect(SECOND)
    home.build("+rpt_control_totals")
    assert _told(home, FATES) == [
        ("interim-0", "told_before", None, None),
        *first[:2],
        ("part-2", "overlapping_parts", 200, "2026-10-21 08:00:30"),
        *first[2:4],
        ("smf01-77-2-10-3", "rated", 30, "2026-10-22 03:00:00"),
        ("smf01-77-3-10-4", "rated", 40, "2026-10-22 04:00:00"),
        ("smf01-77-4-10-2", "part_sent_again", 21, "2026-10-22 02:00:00"),
        ("stop", "rated", 1_500, "2026-10-20 08:10:00"),
    ]
    assert not broken_laws(_law_checks(home))
