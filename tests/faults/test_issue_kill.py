"""Killed between freezing and the ledger's commit, nothing was issued; run again, all is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from sqlalchemy import func, select

from orchestration.issue.freezing import issue_passes
from orchestration.ledger.schema import documents, frozen_files
from orchestration.ledger.store import open_ledger
from orchestration.lib.errors import TollhouseError
from orchestration.passes.records import read_passes
from orchestration.settings import Settings

sys.path.insert(0, str(Path(__file__).parents[1] / "warehouse"))
from billing_homes import FIRST_BILL_DATE, Home

pytestmark = pytest.mark.heavy

# Dies at a named call inside issuing: no cleanup, no rollback, no flush.
KILLED = """
import os, signal, sys
from pathlib import Path
from orchestration.issue import freezing
from orchestration.ledger.store import open_ledger
from orchestration.passes.records import read_passes
from orchestration.settings import Settings

def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

settings = Settings(home=Path(sys.argv[1]), project_root=Path(sys.argv[2]))
setattr(freezing, sys.argv[3], die)
ledger = open_ledger(settings.ledger_url)
with ledger.read() as connection:
    passes = read_passes(connection)
freezing.issue_passes(settings, ledger, passes)
"""


@pytest.fixture(scope="module")
def calculated_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home whose first pass is validated and not issued."""
    from orchestration.sample import SampleOptions, make_sample

    project = Path(__file__).parents[2]
    home = Home(Settings(home=tmp_path_factory.mktemp("kill") / "home", project_root=project))
    make_sample(home.settings, SampleOptions(subscribers=20))
    home.collect()
    home.calculate(FIRST_BILL_DATE)
    home.close()
    return home


@pytest.mark.parametrize("point", ["replace_atomically", "append_rows", "take_numbers"])
def test_killed_while_issuing_nothing_is_issued_and_the_next_run_issues_all(
    calculated_home: Home, tmp_path: Path, point: str
) -> None:
    """At the first file, before the hashes and before the numbers: orphans, and nothing else."""
    home = calculated_home.copy(tmp_path / "home")
    settings = home.settings
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(settings.home), str(settings.project_root), point],
        env={**os.environ},
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()[-500:]
    ledger = open_ledger(settings.ledger_url)
    with ledger.read() as connection:
        assert connection.scalar(select(func.count()).select_from(documents)) == 0
        assert connection.scalar(select(func.count()).select_from(frozen_files)) == 0
        passes = read_passes(connection, FIRST_BILL_DATE)
    assert not any(one.is_issued for one in passes)

    summary = issue_passes(settings, ledger, passes)[0]

    with ledger.read() as connection:
        numbers = list(connection.scalars(select(documents.c.number)))
        committed = list(connection.scalars(select(frozen_files.c.issue_id).distinct()))
    assert sorted(numbers) == list(range(1, summary.invoice_count + 1))
    assert len(committed) == 1
    frozen = duckdb.sql(
        f"select count(*) from read_parquet('{settings.landing}/issued_invoices/"
        f"issue_id={committed[0]}/*.parquet')"
    ).fetchall()
    assert frozen == [(summary.invoice_count,)]


def test_a_decision_after_validation_asks_for_another_run(
    calculated_home: Home, tmp_path: Path
) -> None:
    """What the ledger says now is what is issued, or nothing is."""
    from orchestration.ledger.schema import review_decisions
    from orchestration.ledger.store import append_row

    home = calculated_home.copy(tmp_path / "home")
    ledger = open_ledger(home.settings.ledger_url)
    with ledger.write() as connection:
        passes = read_passes(connection, FIRST_BILL_DATE)
        append_row(
            connection,
            review_decisions,
            pass_id=passes[0].pass_id,
            billing_account_id="A0000001",
            decision="hold",
            reason="asked by the customer",
        )
    with pytest.raises(TollhouseError, match="was not validated as it stands now"):
        issue_passes(home.settings, ledger, passes)
    with ledger.read() as connection:
        assert connection.scalar(select(func.count()).select_from(documents)) == 0
