"""A bill run without a usage file: it is blocked, by name, until the file or a person comes."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest
from stage import FIRST_BILL_DATE, Snapshot, Stage

from orchestration.passes.completeness import COMPLETENESS_CHECK
from orchestration.sample import SampleOptions, make_sample

pytestmark = pytest.mark.heavy

SUBSCRIBERS = 40
MISSING = "usage_msc01_20261012_000012.csv"
RUN = ("run", "--bill-date", FIRST_BILL_DATE.isoformat(), "--until", "issue")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the file lies that does not come."""
    return tmp_path_factory.mktemp("kept") / MISSING


@pytest.fixture(scope="module")
def blocked(stage: Stage, kept: Path) -> Snapshot:
    """The first bill date, run while a file of the month is missing."""
    stage.restore(None)
    make_sample(stage.settings, SampleOptions(subscribers=SUBSCRIBERS))
    (stage.settings.inbox / "usage" / MISSING).rename(kept)
    answer = stage.command(*RUN)
    assert answer.exit_code == 1, answer.output
    return stage.keep("blocked", answer.output)


def test_the_run_is_blocked_and_names_the_file(stage: Stage, blocked: Snapshot) -> None:
    (line,) = [one for one in blocked.said.splitlines() if one.startswith("tollhouse: ")]
    assert "pass nordwind-monthly_1-2026-11-01-main-1 is not issued" in line
    assert MISSING in line
    assert "tollhouse gaps accept" in line
    assert blocked.documents() == []
    stage.restore(blocked)
    status = stage.command("status").output
    assert "Usage is missing" in status
    assert MISSING in status
    listed = stage.command("gaps", "list", "--json").output
    assert listed.count('"finding": "missing_file"') == 1
    # Whoever goes on without it looks at the drafts first.
    assert blocked.query("select count(*) > 30 from marts.fct_invoices") == [(True,)]


def test_dagster_shows_a_failed_check_with_the_name_of_the_file(
    stage: Stage, blocked: Snapshot
) -> None:
    assert blocked.said
    key = dg.AssetCheckKey(dg.AssetKey("issued_invoices"), COMPLETENESS_CHECK)
    with stage.environment(), dg.DagsterInstance.get() as instance:
        records = instance.event_log_storage.get_asset_check_execution_history(key, limit=20)
        events = [one.event.dagster_event for one in records if one.event is not None]
        evaluations = [
            one.asset_check_evaluation_data
            for one in events
            if one is not None and one.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION
        ]
    failed = [one for one in evaluations if not one.passed and MISSING in str(one.description)]
    assert failed
    assert failed[0].severity == dg.AssetCheckSeverity.ERROR
    assert f"missing_file {MISSING}" in failed[0].metadata


def test_it_clears_by_itself_when_the_file_comes(
    stage: Stage, blocked: Snapshot, kept: Path
) -> None:
    stage.restore(blocked)
    kept_copy = stage.settings.inbox / "usage" / MISSING
    kept_copy.write_bytes(kept.read_bytes())
    answer = stage.command(*RUN)
    assert answer.exit_code == 0, answer.output
    arrived = stage.keep("arrived", answer.output)
    assert len(arrived.documents()) > 30
    assert "Usage is missing" not in stage.command("status").output
    assert arrived.query("select count(*) from marts.fct_usage_findings") == [(0,)]


def test_a_person_goes_on_without_it_and_is_named(stage: Stage, blocked: Snapshot) -> None:
    stage.restore(blocked)
    accept = ("gaps", "accept", "--bill-date", FIRST_BILL_DATE.isoformat())
    for arguments, told in (
        ((MISSING, "--reason", " "), "a reason is needed"),
        (("other.csv", "--reason", "lost"), "no pass of 2026-11-01 that is not issued waits for"),
    ):
        refused = stage.command(*accept, *arguments)
        assert refused.exit_code == 1
        assert refused.output.startswith(f"tollhouse: {told}"), refused.output
    accepted = stage.command(*accept, MISSING, "--reason", "the node burned down")
    assert accepted.exit_code == 0, accepted.output
    assert f"goes on without {MISSING}, as " in accepted.output

    answer = stage.command(*RUN)
    assert answer.exit_code == 0, answer.output
    accepted_run = stage.keep("accepted", answer.output)
    assert len(accepted_run.documents()) > 30
    ((status, reason, by),) = accepted_run.query(
        "select finding_status, acceptance_reason, accepted_by from marts.fct_usage_findings"
    )
    assert (status, reason) == ("accepted", "the node burned down")
    assert by
    # What the calendar wants and what came still differ, for everybody to see.
    assert stage.command("run", "--bill-date", FIRST_BILL_DATE.isoformat()).exit_code == 0
    report = stage.keep("reported").query(
        "select cast(difference_quantity as integer) from marts.rpt_control_totals"
        " where control_step = 'complete'"
    )
    assert report == [(-1,)]
    assert "Usage is missing" not in stage.command("status").output
