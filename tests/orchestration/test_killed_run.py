"""The command killed while it renders and while it sends: run again, nothing is there twice."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from stage import FIRST_BILL_DATE, PROJECT, Snapshot, Stage

pytestmark = [
    pytest.mark.heavy,
    # The kills hold; that the run which goes on afterwards ends was not seen on a busy machine.
    pytest.mark.skipif(
        "TOLLHOUSE_KILLS" not in os.environ,
        reason="killed runs NOT RUN: set TOLLHOUSE_KILLS=1 (many minutes)",
    ),
]

RENDERED = 6
# The command, which dies at a chosen call of a function: no cleanup, no rollback, no flush.
KILLED = """
import importlib, os, signal, sys
module, name, calls = sys.argv[1], sys.argv[2], int(sys.argv[3])
owner = importlib.import_module(module)
*path, name = name.split(".")
for part in path:
    owner = getattr(owner, part)
original, left = getattr(owner, name), [calls]

def dies(*args, **kwargs):
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    return original(*args, **kwargs)

setattr(owner, name, dies)
from orchestration.cli import main
main(sys.argv[4:])
"""
# While the second document of the first batch is stored, before the ledger knows of any; and when
# one message is sent and the attempt at the next is written.
RENDERING = ("orchestration.render.rendering", "_store", "3")
SENDING = ("orchestration.dispatch.smtp", "SmtpChannel.send", "2")


def _kill(stage: Stage, *point: str) -> None:
    run = ("run", "--bill-date", FIRST_BILL_DATE.isoformat(), "--render", str(RENDERED))
    with stage.environment():
        killed = subprocess.run(
            [sys.executable, "-c", KILLED, *point, *run],
            cwd=PROJECT,
            env=dict(os.environ),
            capture_output=True,
            timeout=600,
            check=False,
        )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()[-2000:]


def _ledger(home: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(home / "ledger.sqlite")) as ledger:
        return ledger.execute(sql).fetchall()


@pytest.fixture(scope="module")
def killed(stage: Stage, issued: Snapshot) -> Snapshot:
    """The run killed while it rendered, then while it sent, then left alone."""
    stage.restore(issued)
    _kill(stage, *RENDERING)
    assert _ledger(stage.home, "select count(*) from rendered_documents") == [(0,)]
    assert list(stage.settings.documents.rglob("*.pdf"))
    _kill(stage, *SENDING)
    ((attempts,),) = _ledger(stage.home, "select count(*) from delivery_attempts")
    ((outcomes,),) = _ledger(stage.home, "select count(*) from delivery_outcomes")
    assert attempts == outcomes + 1 > 1
    answer = stage.run(FIRST_BILL_DATE, "--render", str(RENDERED))
    return stage.keep("killed", answer.output)


def test_no_document_is_there_twice(issued: Snapshot, killed: Snapshot) -> None:
    assert killed.numbers() == issued.numbers()
    kinds = Counter(_ledger(killed.home, "select document_id, media_type from rendered_documents"))
    assert len(kinds) == 2 * RENDERED
    assert set(kinds.values()) == {1}
    stored = {path.name for path in (killed.home / "documents").rglob("*.pdf")}
    named = _ledger(
        killed.home, "select sha256 || '.pdf' from rendered_documents where path like '%pdf'"
    )
    assert stored >= {name for (name,) in named}


def test_no_message_is_sent_twice(killed: Snapshot) -> None:
    by_mail = _ledger(
        killed.home,
        "select distinct idempotency_key from delivery_attempts where channel = 'email'",
    )
    names = {key.removesuffix(":email") + ".eml" for (key,) in by_mail}
    assert set(killed.mails()) == names
    assert len(killed.mails()) == len(names) > 1
    sent = Counter(
        _ledger(
            killed.home,
            "select idempotency_key from delivery_attempts as attempts inner join delivery_outcomes"
            " on attempt_sequence = attempts.sequence where state = 'accepted'",
        )
    )
    assert len(sent) == RENDERED
    assert set(sent.values()) == {1}


def test_the_books_are_those_of_a_run_that_was_left_alone(
    killed: Snapshot, first: Snapshot
) -> None:
    assert killed.issued_totals() == first.issued_totals()
    assert killed.query("select count(*) from marts.rpt_control_totals where not is_balanced") == [
        (0,)
    ]
