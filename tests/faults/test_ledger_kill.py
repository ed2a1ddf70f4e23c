"""Killed at random points, and fought over by several processes, the numbers have no gap."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
from sqlalchemy import func, select

from orchestration.dispatch.mail_sink import mail_sink
from orchestration.ledger.export import export_ledger
from orchestration.ledger.schema import (
    delivery_attempts,
    delivery_outcomes,
    documents,
    run_closures,
)
from orchestration.ledger.store import Ledger, open_ledger
from orchestration.settings import Settings

KILLS = 15

# Appends rows and takes numbers as fast as it can, reporting each commit after it was made.
TAKE = """
import sys
from datetime import date
from decimal import Decimal
from orchestration.ledger.numbers import NewDocument, take_numbers
from orchestration.ledger.schema import run_closures
from orchestration.ledger.store import append_row, open_ledger

url, name, rounds, size = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
ledger = open_ledger(url, wait_seconds=60)
for batch in range(rounds):
    new = [
        NewDocument(f"{name}-{batch}-{each}", "invoice", "p", "a", "EUR", Decimal("1.25"))
        for each in range(size)
    ]
    with ledger.write() as connection:
        take_numbers(connection, "nordwind", "R", date(2026, 11, 1), new, "NW")
        append_row(connection, run_closures, bill_run_id=f"{name}-{batch}", reason="committed")
    print(f"{name}-{batch}", flush=True)
"""

EXPORT = """
import sys
from pathlib import Path
from orchestration.ledger.export import export_ledger
from orchestration.ledger.schema import run_closures
from orchestration.ledger.store import append_row, open_ledger
from orchestration.settings import Settings

settings = Settings(home=Path(sys.argv[1]), project_root=Path(sys.argv[1]))
ledger = open_ledger(settings.ledger_url)
print("started", flush=True)
while True:
    with ledger.write() as connection:
        append_row(connection, run_closures, bill_run_id="r", reason="x")
    export_ledger(ledger, settings)
"""

DISPATCH = """
import hashlib
import sys
from datetime import UTC, datetime
from pathlib import Path
from orchestration.dispatch.channel import Delivery
from orchestration.dispatch.outbox import dispatch_documents
from orchestration.dispatch.smtp import smtp_channel
from orchestration.ledger.store import open_ledger
from orchestration.settings import Smtp

url, port, pdf, count = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
sha256 = hashlib.sha256(pdf.read_bytes()).hexdigest()
deliveries = [
    Delivery(
        f"d{each}", f"NW-R-2026-{each:06d}", "email", f"a{each}@example.org", pdf, sha256, "s", "t"
    )
    for each in range(count)
]
server = Smtp(host="127.0.0.1", port=port, sender="billing@nordwind.example")
with smtp_channel(server, lambda: datetime.now(UTC)) as channel:
    print("started", flush=True)
    summary = dispatch_documents(open_ledger(url), {"email": channel}, deliveries)
print("accepted", summary.accepted_count, "already", summary.already_sent_count)
"""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a child that runs a script; whatever is left of it is killed at the end."""
    children: list[subprocess.Popen[str]] = []

    def run(script: str, *arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", script, *map(str, arguments)]
        log = (tmp_path / f"child-{len(children)}.log").open("w")
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        log.close()
        children.append(child)
        return child

    yield run
    for child in children:
        child.kill()
        child.communicate()


def assert_whole(ledger: Ledger, batch_size: int) -> int:
    """Assert that numbers are 1..n, each batch is there whole, and rows are numbered in order."""
    with ledger.read() as connection:
        rows = connection.execute(select(documents).order_by(documents.c.sequence)).all()
        batches = connection.scalars(select(run_closures.c.bill_run_id)).all()
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    assert len({row.document_id for row in rows}) == len(rows)
    assert len(rows) == len(batches) * batch_size
    assert {row.document_id.rpartition("-")[0] for row in rows} == set(batches)
    return len(rows)


def test_no_gap_and_no_repeat_after_fifteen_kills(
    ledger: Ledger, ledger_url: str, start: Callable[..., subprocess.Popen[str]]
) -> None:
    chance = random.Random(20261101)  # noqa: S311
    reported: set[str] = set()
    for kill in range(KILLS):
        child = start(TAKE, ledger_url, f"k{kill}", 1_000_000, 7)
        assert child.stdout is not None
        reported.add(child.stdout.readline().strip())
        time.sleep(chance.uniform(0, 0.15))
        child.send_signal(signal.SIGKILL)
        # What was reported was committed; a line cut off by the kill was not reported.
        lines = child.stdout.read().splitlines(keepends=True)
        reported |= {line.strip() for line in lines if line.endswith("\n")}
        child.wait()
        assert_whole(ledger, 7)
    with ledger.read() as connection:
        kept = set(connection.scalars(select(run_closures.c.bill_run_id)))
    assert reported <= kept
    assert len(kept - reported) <= KILLS
    assert len(kept) > KILLS


def test_two_processes_share_one_series_without_a_gap(
    ledger: Ledger, ledger_url: str, start: Callable[..., subprocess.Popen[str]]
) -> None:
    children = [start(TAKE, ledger_url, name, 60, 5) for name in ("left", "right")]
    for child in children:
        child.communicate(timeout=120)
        assert child.returncode == 0
    assert assert_whole(ledger, 5) == 600


def test_an_export_killed_anywhere_is_right_the_next_time(
    settings: Settings, start: Callable[..., subprocess.Popen[str]]
) -> None:
    chance = random.Random(7)  # noqa: S311
    glob = str(settings.exports / "ledger" / "run_closures" / "*.parquet")
    for _ in range(6):
        child = start(EXPORT, settings.home)
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(chance.uniform(0, 0.8))
        child.send_signal(signal.SIGKILL)
        child.wait()
        ledger = open_ledger(settings.ledger_url)
        export_ledger(ledger, settings)
        with ledger.read() as connection:
            count = connection.scalar(select(func.count()).select_from(run_closures))
        query = "select count(*), count(distinct sequence) from read_parquet(?)"
        assert duckdb.execute(query, [glob]).fetchall() == [(count, count)]
        ledger.engine.dispose()


def test_a_dispatch_killed_anywhere_sends_each_document_and_at_most_one_twice_a_kill(
    settings: Settings, tmp_path: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    count, kills = 120, 0
    pdf = tmp_path / "invoice.pdf"
    pdf.write_bytes(b"%PDF-1.4 any bytes")
    folder = settings.outbox / "mail"
    chance = random.Random(3)  # noqa: S311
    with mail_sink(folder) as (_, port):
        for _ in range(5):
            child = start(DISPATCH, settings.ledger_url, port, pdf, count)
            assert child.stdout is not None
            child.stdout.readline()
            time.sleep(chance.uniform(0.02, 0.25))
            child.send_signal(signal.SIGKILL)
            child.wait()
            kills += 1
        last = start(DISPATCH, settings.ledger_url, port, pdf, count)
        last.communicate(timeout=120)
        assert last.returncode == 0
    names = [path.name for path in folder.iterdir()]
    assert {name[:16] for name in names} == {f"NW-R-2026-{each:06d}" for each in range(count)}
    assert len(names) - count <= kills
    ledger = open_ledger(settings.ledger_url)
    with ledger.read() as connection:
        attempts = connection.scalar(select(func.count()).select_from(delivery_attempts))
        outcomes = connection.scalar(select(func.count()).select_from(delivery_outcomes))
    assert outcomes == count
    assert count <= (attempts or 0) <= count + kills
