"""How fast a mapped CSV is collected, against the engine's bare reading of the same file.

Printed as a ratio in one run, on one thread each: machines differ, the ratio hardly does.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

sys.path.append(str(Path(__file__).parents[1] / "unit"))

from usage_home import RECEIVED, make_home

from orchestration.collect.inbox import collect_inbox, read_manifest
from orchestration.settings import Settings

pytestmark = pytest.mark.heavy

ROWS = 1_000_000
SOURCE = {"source_id": "pbx", "format": "csv", "time_zone": "Europe/Berlin", "calling_code": "49"}
SOURCE |= {"international_prefix": "00", "national_prefix": "0"}
FIELDS = """
record_id,id
service,,voice
direction,,outgoing
identifier,caller,,dialled
other_number,called,,dialled
started_at,begin
duration_seconds,ms,,milliseconds
volume_bytes,,0
serving_network,,26299
"""


def _write(path: Path) -> None:
    path.parent.mkdir(parents=True)
    with duckdb.connect() as sql:
        sql.execute(
            f"""
            copy (
                select
                    'r' || n as id, '0151' || lpad(cast(n % 9999999 as varchar), 7, '0') as caller,
                    '0033' || (100000000 + n * 7919 % 800000000) as called,
                    strftime(timestamp '2026-10-01' + n * interval 2 second, '%Y-%m-%d %H:%M:%S')
                        as begin,
                    n * 37 % 3600000 as ms,
                    case when n % 10 = 0 then 'BUSY' else 'ANSWERED' end as state
                from range({ROWS}) as numbers (n)
            ) to '{path}' (format csv, header true)
            """
        )


def _seconds(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def _bare(path: Path, folder: Path) -> None:
    with duckdb.connect(config={"threads": 1}) as sql:
        sql.execute(
            f"copy (select * from read_csv('{path}', all_varchar=true))"
            f" to '{folder / 'bare.parquet'}' (format parquet)"
        )


def _house(path: Path, folder: Path) -> None:
    with duckdb.connect() as sql:
        sql.execute(
            f"copy (select id as record_id, 'voice' as service, 'outgoing' as direction,"
            " '49' || caller[2:] as identifier, called[3:] as other_number,"
            " replace(begin, ' ', 'T') || '+02:00' as started_at,"
            " cast(ms as bigint) // 1000 as duration_seconds, 0 as volume_bytes,"
            f" '26299' as serving_network from read_csv('{path}', all_varchar=true)"
            f" where state = 'ANSWERED') to '{folder / 'house.csv'}' (format csv, header true)"
        )


def test_a_mapped_csv_against_bare_reading_and_the_own_format(tmp_path: Path) -> None:
    """Process time of all of collecting: hash, decode, map, judge, event id, Parquet, manifest.

    Bare is `read_csv` as text into Parquet, on one thread. A mapping may cost as much again as the
    house's own format at the most.
    """
    values = "state,ANSWERED\nstate,*,,not_answered"
    settings: Settings = make_home(tmp_path, [SOURCE], FIELDS, values)
    path = settings.inbox / "pbx" / "calls.csv"
    _write(path)
    (settings.inbox / "usage").mkdir()
    bare = min(_seconds(lambda: _bare(path, tmp_path)) for _ in range(2))
    mapped = _seconds(lambda: collect_inbox(settings, RECEIVED))
    _house(path, settings.inbox / "usage")
    house = _seconds(lambda: collect_inbox(settings, RECEIVED))
    native, own = read_manifest(settings)
    assert (native.records_accepted, native.records_filtered) == (ROWS * 9 // 10, ROWS // 10)
    assert own.records_accepted == ROWS * 9 // 10
    print(
        f"\n{ROWS:,} calls, {path.stat().st_size / 1e6:.0f} MB: bare {bare:.2f} s;"
        f" by a mapping {mapped:.2f} s, ratio {bare / mapped:.2f};"
        f" own format {house:.2f} s, ratio {bare / house:.2f}"
    )
    assert mapped < 2 * house + 2 * bare
