"""How much memory collecting a file takes: below one bound, however large it is.

Each file is collected by a process of its own, whose peak of resident memory it is. `make test`
looks at files of 60 MB, whose records as objects of Python would be beyond the bound; with
TOLLHOUSE_BIG_FILE_MB=2000 they have the size that the bound is said of.
"""

from __future__ import annotations

import os
import random
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "unit"))

from charging_records import encode
from charging_values import oracle_of
from test_mapped_csv import FIELDS, SOURCE
from test_network_speed import framed, session
from usage_home import ROOT, make_home

from orchestration.settings import Settings

pytestmark = pytest.mark.heavy

MEGABYTES = int(os.environ.get("TOLLHOUSE_BIG_FILE_MB", "60"))
BOUND = 600
COLLECT = """
import sys
from datetime import datetime
from pathlib import Path
from orchestration.collect.inbox import collect_inbox
from orchestration.settings import Settings
settings = Settings(home=Path(sys.argv[1]), project_root=Path(sys.argv[2]))
(row,) = collect_inbox(settings, datetime(2026, 11, 1, 3, 0))
peak = [line for line in open("/proc/self/status") if line.startswith("VmHWM")][0].split()[1]
print(row.status, row.records_read, row.records_accepted, peak)
"""


def _charging_file(path: Path, megabytes: int) -> int:
    """Write a file of TS 32.297 with data sessions of three containers; return their number."""
    chance = random.Random(3)  # noqa: S311
    oracle = oracle_of("data_packet_gateway")
    whole = framed([encode(oracle, session(index, 3, chance)) for index in range(2_000)])
    (header_length,) = struct.unpack_from(">I", whole, 4)
    body = whole[header_length:]
    times = megabytes * 1_000_000 // len(body)
    header = bytearray(whole[:header_length])
    struct.pack_into(">I", header, 0, header_length + times * len(body))
    struct.pack_into(">I", header, 18, 2_000 * times)
    with path.open("wb") as stream:
        stream.write(header)
        for _ in range(times):
            stream.write(body)
    return 2_000 * times


def _csv(path: Path, megabytes: int, state: str = "ok") -> int:
    """Write calls as CSV, which the engine reads itself where nothing is in quotes."""
    line = f"r{{:012}},0151{{:07}},0033{{:09}},2026-10-{{:02}} 09:12:06,{{}},{state}\n"
    count = 0
    with path.open("w", encoding="utf-8") as stream:
        stream.write("id,caller,called,begin,ms,state\n")
        while stream.tell() < megabytes * 1_000_000:
            stream.writelines(
                line.format(
                    n, n % 9_999_999, n * 7919 % 800_000_000, 1 + n % 28, n * 37 % 3_600_000
                )
                for n in range(count, count + 10_000)
            )
            count += 10_000
    return count


Writer = Callable[[Path, int], int]
WRITERS: dict[str, tuple[str, Writer]] = {
    "TS 32.297": ("gateway", _charging_file),
    "CSV with quotes": ("pbx", lambda path, megabytes: _csv(path, megabytes, '"said ""so"""')),
    "CSV": ("pbx", _csv),
}


@pytest.mark.parametrize("name", list(WRITERS))
def test_a_file_takes_bounded_memory_however_large_it_is(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    folder, write = WRITERS[name]
    settings = Settings(home=tmp_path / "home", project_root=ROOT)
    if folder == "pbx":
        settings = make_home(tmp_path, [SOURCE], FIELDS)
    path = settings.inbox / folder / "file_1"
    path.parent.mkdir(parents=True)
    count = write(path, MEGABYTES)
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", COLLECT, str(settings.home), str(settings.project_root)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    seconds = time.monotonic() - begun
    status, read, accepted, kilobytes = done.stdout.split()
    assert (status, int(read), int(accepted)) == ("accepted", count, count)
    with capsys.disabled():
        print(
            f"\n{name}: {path.stat().st_size / 1e6:,.0f} MB, {count:,} records, {seconds:,.0f} s,"
            f" at most {int(kilobytes) / 1024:,.0f} MB resident"
        )
    assert int(kilobytes) / 1024 < BOUND
