"""The least that any job of this engine must do: read the usage once, write the rated rows once."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import duckdb

from orchestration.bench.rivals.duckdb_job import THREADS
from orchestration.bench.rivals.measured import answer

SCAN = """
    select
        count(*), sum(event_id), sum(msisdn), max(started_at), max(service),
        sum(duration_seconds), sum(volume_bytes), max(dialled), sum(mcc_mnc)
    from '{usage}'
"""


def scan_and_write(tables: Path, rated: Path, target: Path) -> None:
    """Measure the scan of `tables` and the writing of `rated`, which is in memory by then."""
    with duckdb.connect(
        config={"threads": THREADS, "preserve_insertion_order": "false"}
    ) as connection:
        connection.execute(f"create table rated as from '{rated}'")
        started, used = time.perf_counter(), time.process_time()
        connection.execute(SCAN.format(usage=tables / "usage.parquet")).fetchall()
        connection.execute(f"copy rated to '{target}' (format parquet, compression zstd)")
        answer(None, time.perf_counter() - started, time.process_time() - used)


if __name__ == "__main__":
    scan_and_write(*(Path(one) for one in sys.argv[1:4]))
