"""Fixtures of the bill run: every state of the one stage is made once per test session."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import bad_files
import edge_accounts
import pytest
from stage import FIRST_BILL_DATE, SECOND_BILL_DATE, Snapshot, Stage

from orchestration.dispatch.mail_sink import mail_sink
from orchestration.sample import InvoiceToPay, SampleOptions, make_sample, write_payments

SUBSCRIBERS = 40


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The home that everything runs on, with a mail server that keeps what arrives."""
    folder = tmp_path_factory.mktemp("stage")
    with mail_sink(folder / "home" / "outbox" / "mail") as smtp:
        yield Stage(folder, smtp)


@pytest.fixture(scope="session")
def collected(stage: Stage) -> Snapshot:
    """The sample, the accounts at the edges and the bad files, collected."""
    stage.restore(None)
    make_sample(stage.settings, SampleOptions(subscribers=SUBSCRIBERS))
    edge_accounts.write_first_month(stage.settings.inbox)
    bad_files.write(stage.settings.inbox)
    return stage.keep("collected", stage.run(FIRST_BILL_DATE, "--until", "collect").output)


@pytest.fixture(scope="session")
def first(stage: Stage, collected: Snapshot) -> Snapshot:
    """The first bill date in one run."""
    stage.restore(collected)
    return stage.keep("first", stage.run(FIRST_BILL_DATE).output)


@pytest.fixture(scope="session")
def again(stage: Stage, first: Snapshot) -> Snapshot:
    """The same run a second time."""
    stage.restore(first)
    return stage.keep("again", stage.run(FIRST_BILL_DATE).output)


@pytest.fixture(scope="session")
def issued(stage: Stage, collected: Snapshot) -> Snapshot:
    """The first bill date up to the issue: nothing is rendered yet."""
    stage.restore(collected)
    return stage.keep("issued", stage.run(FIRST_BILL_DATE, "--until", "issue").output)


@pytest.fixture(scope="session")
def stopped(stage: Stage, issued: Snapshot) -> Snapshot:
    """The first bill date in two runs: stopped after the issue, then run on."""
    stage.restore(issued)
    return stage.keep("stopped", stage.run(FIRST_BILL_DATE).output)


@pytest.fixture(scope="session")
def second(stage: Stage, first: Snapshot) -> Snapshot:
    """The second bill date: a month of usage later, with payments of the first."""
    stage.restore(first)
    november = SampleOptions(date(2026, 11, 1), subscribers=SUBSCRIBERS, follow_up=True)
    make_sample(stage.settings, november)
    edge_accounts.write_second_month(stage.settings.inbox)
    ((roaming,),) = first.query(
        "select min(subscription_id) from marts.dim_subscriptions where billing_account_id in"
        " (select billing_account_id from marts.fct_review_queue where rule_id = 'plan_mismatch')"
    )
    edge_accounts.write_roaming_option(stage.settings.inbox, roaming)
    write_payments(
        stage.settings,
        [
            InvoiceToPay(number, total, "EUR", issued + timedelta(days=10), "Payer")
            for number, _, _, _, total, issued, _ in first.issued_totals()
        ],
    )
    return stage.keep("second", stage.run(SECOND_BILL_DATE).output)


@pytest.fixture(scope="session")
def rebuilt(stage: Stage, second: Snapshot) -> Snapshot:
    """The second bill date run again after the warehouse was deleted."""
    stage.restore(second)
    stage.settings.warehouse.unlink()
    return stage.keep("rebuilt", stage.run(SECOND_BILL_DATE).output)


def read_csv(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
