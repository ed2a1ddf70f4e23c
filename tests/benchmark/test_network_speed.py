"""How fast the network's files are collected, against pycrate's bare decoding of the same records.

Printed as ratios in one run, in processor time of one thread each: machines differ, the ratio
hardly does. Collecting is all of it: framing, decoding, mapping, judging, Parquet.
"""

from __future__ import annotations

import random
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "unit"))

from charging_records import TAP_FILE, encode
from charging_values import Tree, oracle_of, packed, packed_network
from test_tap3 import call, data, transfer
from usage_home import RECEIVED, ROOT, put

from orchestration.collect.inbox import collect_inbox
from orchestration.collect.readers.records import ReaderOptions
from orchestration.collect.readers.registry import READERS
from orchestration.settings import Settings

pytestmark = pytest.mark.heavy

RECORDS, REPEATS = 2_000, 50
OPENED = bytes.fromhex("2610030912062b0200")
# Of a slow day: what is below it is a fault, not a busy machine.
LEAST = 2


def _seconds(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def session(index: int, containers: int, chance: random.Random) -> Tree:
    listed = [
        {
            "u16": {
                "1": 10 * number,
                "5": OPENED,
                "6": OPENED,
                "7": chance.randrange(3600),
                "8": (8, 5),
                "12": chance.randrange(1 << chance.randrange(8, 34)),
                "13": chance.randrange(1 << chance.randrange(8, 34)),
                "14": OPENED,
            }
        }
        for number in range(1, containers + 1)
    ]
    return {
        "79": {
            "0": 85,
            "3": packed(f"26299{index:010}"),
            "4": {"0": b"\n\0\0\1"},
            "5": index + 1_000,
            "6": [{"0": b"\n\0\0\2"}],
            "7": "internet",
            "13": OPENED,
            "14": chance.randrange(7200),
            "15": 0,
            "17": 1,
            "18": "pgw1",
            "20": index,
            "22": b"\x91" + packed(f"49151{index:07}"),
            "23": b"\x08\0",
            "27": packed_network("26299"),
            "30": 6,
            "31": b"\x80\0",
            "34": listed,
            "35": [{"u10": "gTPSGW"}],
        }
    }


def framed(records: list[bytes]) -> bytes:
    body = b"".join(struct.pack(">HBB", len(one), 0x40, 0x20) + one for one in records)
    rest = struct.pack(">BBIIIIB20sBHH", 64, 64, 0, 0, len(records), 1, 0, bytes(20), 0, 0, 0)
    return struct.pack(">II", 8 + len(rest) + len(body), 8 + len(rest)) + rest + body


def _say(name: str, bare: float, read: float, collected: float) -> float:
    """Print records per second and the ratios; return that of collecting."""
    print(
        f"\n{name}: pycrate {bare:,.0f} records/s, read {read:,.0f} ({read / bare:.1f} times),"
        f" collected {collected:,.0f} ({collected / bare:.1f} times)"
    )
    return collected / bare


def _collect(tmp_path: Path, source: str, name: str, content: bytes) -> tuple[float, float]:
    """Return the seconds of reading a file and of collecting it."""
    settings = Settings(home=tmp_path / name, project_root=ROOT)
    path = put(settings, source, "file_1", content)
    read = READERS[name].read
    options = ReaderOptions(ROOT / "seeds")
    reading = min(_seconds(lambda: sum(1 for _ in read(path, options))) for _ in range(2))
    rows = []
    collecting = _seconds(lambda: rows.extend(collect_inbox(settings, RECEIVED)))
    assert rows[0].records_accepted == rows[0].records_read > 0
    return reading, collecting


@pytest.mark.parametrize("containers", [1, 3])
def test_charging_files(containers: int, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    chance = random.Random(3)  # noqa: S311
    oracle = oracle_of("data_packet_gateway")
    records = [encode(oracle, session(i, containers, chance)) for i in range(RECORDS)]
    bare = RECORDS / _seconds(lambda: [oracle.from_ber(record) for record in records])
    content = framed(records * REPEATS)
    read, collected = _collect(tmp_path, "gateway", "ts32297", content)
    count = RECORDS * REPEATS
    with capsys.disabled():
        name = f"TS 32.297, data sessions of {containers} containers"
        assert _say(name, bare, count / read, count / collected) > LEAST


def test_roaming_files(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    events = tuple(call(i) if i % 2 else data() for i in range(2_000))
    content = transfer(events).replace(b"GBRXX", b"GBRVF")
    bare = len(events) / _seconds(lambda: TAP_FILE.from_ber(content))
    content = transfer(events * 10).replace(b"GBRXX", b"GBRVF")
    read, collected = _collect(tmp_path, "roaming", "tap3", content)
    count = 10 * len(events)
    with capsys.disabled():
        assert _say("TAP3", bare, count / read, count / collected) > LEAST
