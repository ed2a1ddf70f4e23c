"""The bill run as a Dagster job: again, stopped, the next month, review, approval, checks."""

from __future__ import annotations

import json
import re
import shutil
from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from expected_charges import House, invoice_taxes
from stage import FIRST_BILL_DATE, PROJECT, RENDERED, SECOND_BILL_DATE, Snapshot, Stage

from orchestration.issue.freezing import issue_passes
from orchestration.lib.house import open_house
from orchestration.passes.records import read_passes

pytestmark = pytest.mark.heavy

ISSUED_LINES = """
    select
        lines.billing_account_id,
        lines.subscription_id,
        lines.source_id,
        lines.charge_type,
        lines.tax_category,
        lines.net_amount,
        lines.period_start,
        lines.period_end
    from marts.fct_invoice_lines as lines
    inner join marts.fct_invoices as invoices on lines.invoice_id = invoices.invoice_id
    where lines.billing_status = 'issued' and invoices.bill_date = ?
"""


def _held(snapshot: Snapshot, bill_date: date) -> set[str]:
    rows = snapshot.query(
        "select distinct billing_account_id from marts.fct_review_queue"
        " where bill_date = ? and review_status <> 'billed'",
        bill_date,
    )
    return {account for (account,) in rows}


def _invoiced(snapshot: Snapshot, bill_date: date) -> set[str]:
    rows = snapshot.query(
        "select billing_account_id from marts.fct_invoices"
        " where bill_date = ? and billing_status = 'issued'",
        bill_date,
    )
    return {account for (account,) in rows}


# One run


def test_every_account_that_is_not_held_is_billed_and_sent(first: Snapshot) -> None:
    accounts = {
        account
        for (account,) in first.query("select billing_account_id from marts.dim_billing_accounts")
    }
    invoiced, held = _invoiced(first, FIRST_BILL_DATE), _held(first, FIRST_BILL_DATE)
    assert held
    assert invoiced == accounts - held
    by_channel = dict(
        first.query(
            "select delivery_channel, count(*) from marts.fct_deliveries"
            " where delivery_state in ('accepted', 'posted') group by all"
        )
    )
    assert sum(by_channel.values()) == RENDERED
    assert len(first.mails()) == by_channel.get("email", 0) > 0
    assert (first.home / "reports" / "2026-11-01.html").is_file()
    assert (first.home / "published").is_dir()
    assert f"issued {len(invoiced)} invoices" in first.said


def test_a_second_identical_run_bills_and_sends_nothing(first: Snapshot, again: Snapshot) -> None:
    assert "nothing to issue" in again.said
    assert "nothing to calculate" in again.said
    assert f"{RENDERED} were sent before" in again.said
    assert again.numbers() == first.numbers()
    assert again.issued_totals() == first.issued_totals()
    assert again.mails() == first.mails()
    assert again.mart_hashes() == first.mart_hashes()


def test_stopped_after_the_issue_gives_what_one_run_gives(
    first: Snapshot, stopped: Snapshot
) -> None:
    assert stopped.numbers() == first.numbers()
    assert stopped.issued_totals() == first.issued_totals()
    assert stopped.mails() == first.mails()
    same, other = first.mart_hashes(), stopped.mart_hashes()
    # These tell when things happened; everything else is the same to the last digit.
    timed = {"fct_bill_runs", "fct_deliveries", "rpt_billing_kpis", "rpt_cycle_summary"}
    assert {name for name in same if same[name] != other[name]} <= timed


def test_a_deleted_warehouse_is_built_again_as_it_was(second: Snapshot, rebuilt: Snapshot) -> None:
    assert rebuilt.numbers() == second.numbers()
    assert rebuilt.mails() == second.mails()
    assert rebuilt.mart_hashes() == second.mart_hashes()


def test_a_record_sent_again_is_a_duplicate_and_a_corrected_one_waits(first: Snapshot) -> None:
    (counts,) = first.query(
        "select records_read_count, records_accepted_count, records_duplicate_count"
        " from marts.fct_usage_files where file_name = 'sent_again.csv'"
    )
    assert counts == (2, 1, 1)
    waiting = first.query(
        "select suspended.record_number, suspended.duration_seconds"
        " from marts.fct_suspended_usage as suspended"
        " inner join marts.fct_usage_files as files on suspended.file_id = files.file_id"
        " where suspense_reason = 'record_id_reused' and files.file_name = 'sent_again.csv'"
    )
    assert waiting == [(2, 61)]
    # The first record stands.
    assert first.query(
        "select count(*) from marts.fct_rated_usage as rated"
        " inner join marts.fct_usage_files as files on rated.file_id = files.file_id"
        " where files.file_name = 'negative_duration.csv' and usage_status = 'billed'"
    ) == [(1,)]
    assert first.query("select count(*) from marts.rpt_control_totals where not is_balanced") == [
        (0,)
    ]


def test_the_run_goes_on_beside_bad_files(first: Snapshot) -> None:
    accepted = first.query(
        "select records_accepted_count from marts.fct_usage_files where file_name = 'truncated.csv'"
    )
    assert accepted == [(1,)]
    assert first.query("select count(*) from marts.fct_usage_files where file_status = 'rejected'")
    assert first.documents()


def test_an_unknown_plan_holds_its_account_by_name(first: Snapshot) -> None:
    held = first.query(
        "select billing_account_id, seen from marts.fct_review_queue"
        " where rule_id = 'unknown_plan' and review_status = 'held'"
    )
    assert held
    assert all("plan flat_xxl" in seen for _, seen in held)


# The next month


def test_invoice_numbers_go_on_without_a_gap(first: Snapshot, second: Snapshot) -> None:
    numbers = sorted(second.numbers())
    assert numbers == [f"NW-R-2026-{one:06d}" for one in range(1, len(numbers) + 1)]
    assert set(first.numbers()) < set(numbers)


def test_recurring_periods_join_for_every_subscription(second: Snapshot) -> None:
    house = House(second.home, PROJECT / "seeds")
    billed: dict[tuple[str, str], list[tuple[date, date]]] = {}
    for row in second.query(
        "select subscription_id, plan_id, period_start, period_end from marts.fct_invoice_lines"
        " where charge_type = 'recurring' and billing_status = 'issued' and net_amount > 0"
    ):
        billed.setdefault(row[:2], []).append(row[2:])
    assert len(billed) > 50
    last_billed = _invoiced(second, SECOND_BILL_DATE)
    for stay in house.stays:
        periods = sorted(billed.get((stay.subscription_id, stay.plan_id), []))
        for before, after in pairwise(periods):
            assert before[1] == after[0], (stay, periods)
        if stay.account_id not in last_billed or not periods:
            continue
        assert periods[0][0] == max(stay.begins, house.opening_of(stay)), (stay, periods)
        horizon = house.horizon(stay.plan_id, SECOND_BILL_DATE)
        # One that ended in what was charged ahead is given back, in a line below zero.
        assert periods[-1][1] >= min(stay.ends, horizon), (stay, periods)


def test_a_held_account_shows_both_periods_on_its_later_invoice(
    first: Snapshot, second: Snapshot
) -> None:
    later = _held(first, FIRST_BILL_DATE) & _invoiced(second, SECOND_BILL_DATE)
    assert later
    status = second.query(
        "select distinct review_status from marts.fct_review_queue where bill_date = ?"
        " and billing_account_id in (select unnest(?))",
        FIRST_BILL_DATE,
        sorted(later),
    )
    assert status == [("carried_forward",)]
    for account in later:
        starts = {
            start
            for (start,) in second.query(
                "select period_start from marts.fct_invoice_lines where billing_account_id = ?"
                " and charge_type = 'recurring' and billing_status = 'issued'",
                account,
            )
        }
        assert {date(2026, 11, 1), date(2026, 12, 1)} <= starts, account
    # Held for roaming without the option, which it got since: usage of both months is billed.
    (roaming,) = later & {
        account
        for (account,) in second.query(
            "select billing_account_id from marts.fct_review_queue where rule_id = 'plan_mismatch'"
        )
    }
    usage = second.query(
        "select distinct period_start, period_end from marts.fct_invoice_lines"
        " where charge_type = 'usage' and billing_account_id = ? order by 1",
        roaming,
    )
    assert usage == [
        (date(2026, 10, 1), date(2026, 11, 1)),
        (date(2026, 11, 1), date(2026, 12, 1)),
    ]


def test_a_new_account_is_billed_from_its_activation(first: Snapshot, second: Snapshot) -> None:
    known = {
        account
        for (account,) in first.query("select billing_account_id from marts.dim_billing_accounts")
    }
    (newcomer,) = _invoiced(second, SECOND_BILL_DATE) - known
    lines = second.query(
        "select period_start, period_end from marts.fct_invoice_lines where billing_account_id = ?"
        " and charge_type = 'recurring' order by 1",
        newcomer,
    )
    assert lines == [
        (date(2026, 11, 5), date(2026, 12, 1)),
        (date(2026, 12, 1), date(2027, 1, 1)),
    ]


def test_payments_are_matched_and_days_sales_outstanding_follow(second: Snapshot) -> None:
    statuses = dict(
        second.query("select match_status, count(*) from marts.fct_payments group by 1")
    )
    assert list(statuses) == ["matched"]
    paid = second.query("select sum(payment_amount) from marts.fct_payments")[0][0]
    billed, open_amount = second.query(
        "select sum(total_amount), sum(open_amount) from marts.fct_receivables"
    )[0]
    assert billed - paid == open_amount
    ((value,),) = second.query(
        "select kpi_value from marts.rpt_billing_kpis where kpi_name = 'days_sales_outstanding'"
    )
    assert value == round(open_amount * 90 / billed, 6)


# An independent calculation


@pytest.mark.parametrize("bill_date", [FIRST_BILL_DATE, SECOND_BILL_DATE])
def test_recurring_charges_and_promotions_are_what_the_words_say(
    first: Snapshot, second: Snapshot, bill_date: date
) -> None:
    house = House(first.home, PROJECT / "seeds")
    expected = house.bill(FIRST_BILL_DATE, _invoiced(second, FIRST_BILL_DATE))
    if bill_date == SECOND_BILL_DATE:
        house.learn(second.home)
        expected = house.bill(SECOND_BILL_DATE, _invoiced(second, SECOND_BILL_DATE))
    promotions = house.recurring_promotions
    found = {
        (row[1], row[2], row[6], row[7]): row[5]
        for row in second.query(ISSUED_LINES, bill_date)
        if row[3] == "recurring" or row[2] in promotions
    }
    assert found == expected
    assert any(amount < 0 for amount in expected.values())
    assert any(key[1] in promotions for key in expected)


def test_taxes_and_totals_are_the_sum_of_rounded_lines(second: Snapshot) -> None:
    taxes = {
        (account, bill_date): (net, tax, total, issued)
        for account, bill_date, net, tax, total, issued in second.query(
            "select billing_account_id, bill_date, net_amount, tax_amount, total_amount, issue_date"
            " from marts.fct_invoices where billing_status = 'issued'"
        )
    }
    for bill_date in (FIRST_BILL_DATE, SECOND_BILL_DATE):
        lines: dict[str, dict[str, Decimal]] = {}
        for account, _, _, _, category, amount, *_ in second.query(ISSUED_LINES, bill_date):
            sums = lines.setdefault(account, {})
            sums[category] = sums.get(category, Decimal(0)) + amount
        for account, sums in lines.items():
            net, tax, total, issued = taxes.pop((account, bill_date))
            expected = invoice_taxes(PROJECT / "seeds", sums, issued)
            assert (net, tax) == (sum(sums.values()), expected), account
            assert total == net + tax
    assert taxes == {}
    in_marts = second.query(
        "select invoice_id, total_amount from marts.fct_invoices where billing_status = 'issued'"
    )
    in_ledger = {document: Decimal(total) for _, _, document, total in second.documents()}
    assert in_ledger == dict(in_marts)


# Review, approval, checks


def test_a_released_account_is_billed_in_a_supplementary_pass(
    stage: Stage, first: Snapshot
) -> None:
    ((account,),) = first.query(
        "select min(billing_account_id) from marts.fct_review_queue where rule_id = 'plan_mismatch'"
    )
    stage.restore(first)
    shown = json.loads(stage.command("review", "show", account, "--json").output)
    answer = stage.command(
        *("review", "release", account, "--reason", "roaming was agreed by phone"),
        *("--bill-date", "2026-11-01"),
    )
    assert answer.exit_code == 0, answer.output
    released = stage.keep("released", answer.output)
    number = f"NW-R-2026-{len(first.numbers()) + 1:06d}"
    ((found, kind, total),) = released.query(
        "select invoices.billing_account_id, passes.pass_kind, invoices.total_amount"
        " from marts.fct_invoices as invoices"
        " inner join marts.fct_bill_runs as passes on invoices.pass_id = passes.pass_id"
        " where invoices.invoice_number = ?",
        number,
    )
    assert (found, kind) == (account, "supplementary")
    assert Decimal(shown["bill"]["total_amount"]) == total
    assert set(released.numbers()) == {*first.numbers(), number}
    runs = released.query("select distinct bill_run_id from marts.fct_bill_runs")
    assert runs == [("nordwind-monthly_1-2026-11-01",)]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("release", "A-nobody", "--reason", "why"), "unknown account A-nobody"),
        (("release", "A0000046", "--reason", "  "), "a reason is needed"),
        (("release", "--reason", "why"), "name the accounts"),
        (("hold", "A-nobody", "--reason", "why"), "unknown account A-nobody"),
    ],
)
def test_a_review_that_cannot_be_is_refused(
    stage: Stage, first: Snapshot, arguments: tuple[str, ...], told: str
) -> None:
    stage.restore(first)
    answer = stage.command("review", *arguments, "--bill-date", "2026-11-01")
    assert answer.exit_code == 1
    assert answer.output.startswith(f"tollhouse: {told}")
    assert answer.output.count("\n") == 1


def test_an_approval_is_of_one_total(
    stage: Stage,
    collected: Snapshot,
    first: Snapshot,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    project = _copy_project(tmp_path)
    policy = project / "seeds" / "policy" / "billing_policy.csv"
    policy.write_text(policy.read_text().replace("automatic", "always"))
    request.addfinalizer(lambda: setattr(stage, "project", PROJECT))
    stage.restore(collected)
    stage.project = project
    run = ("run", "--bill-date", "2026-11-01", "--until", "issue")
    waiting = r"tollhouse: pass (\S+) over ([\d,.]+) waits for approval: tollhouse approve \1\n"

    first_time = stage.command(*run)
    found = re.search(waiting, first_time.output)
    assert first_time.exit_code == 1
    assert found, first_time.output
    pass_id, total = found.groups()
    # Whoever approves sees what waits.
    assert "usage_spike" in stage.command("review", "list").output
    assert stage.command("approve", pass_id).exit_code == 0
    # The very total counts: a person holds an account meanwhile.
    held = stage.command(
        *("review", "hold", "A0000001", "--reason", "address", "--bill-date", "2026-11-01")
    )
    assert held.exit_code == 0, held.output
    second_time = stage.command(*run)
    found = re.search(waiting, second_time.output)
    assert second_time.exit_code == 1
    assert found, second_time.output
    assert found[2] != total
    assert stage.command("approve", pass_id).exit_code == 0
    # The step of the run that waited; those before it would compute the same once more.
    with stage.environment():
        house = open_house()
        with house.ledger.read() as connection:
            waiting_passes = read_passes(connection, FIRST_BILL_DATE)
        (issued,) = issue_passes(house.settings, house.ledger, waiting_passes)
    assert f"{issued.total_amount:,.2f}" == found[2]
    # Run on after it stopped before the issue: what one run issued, but for the account held.
    totals = {account: total for _, account, _, total in stage.keep("approved").documents()}
    in_one_run = {account: total for _, account, _, total in first.documents()}
    del in_one_run["A0000001"]
    assert totals == in_one_run
    unknown = stage.command("approve", "no-such-pass")
    assert (unknown.exit_code, unknown.output.count("\n")) == (1, 1)


def test_a_failing_check_blocks_the_issue(
    stage: Stage, collected: Snapshot, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    project = _copy_project(tmp_path)
    (project / "dbt_project" / "tests" / "assert_nobody_is_charged.sql").write_text(
        "select charge_id from {{ ref('int_charges__combined') }}\n"
    )
    request.addfinalizer(lambda: setattr(stage, "project", PROJECT))
    stage.restore(collected)
    stage.project = project
    answer = stage.command("run", "--bill-date", "2026-11-01")
    assert answer.exit_code == 1
    error = answer.output.splitlines()[-1]
    assert error.startswith("tollhouse: ")
    assert "assert_nobody_is_charged" in error
    status = stage.command("status", "--json")
    assert '"invoice_count": 0' in status.output
    assert "issued" not in answer.output
    assert not list((stage.settings.landing / "issued_invoices").glob("issue_id=nordwind*"))


def test_an_account_of_another_currency_or_of_an_unknown_cycle_is_held_and_the_run_goes_on(
    stage: Stage, collected: Snapshot
) -> None:
    stage.restore(collected)
    accounts = stage.settings.inbox / "billing_accounts"
    header = "billing_account_id,customer_id,legal_entity_id,bill_cycle_id,currency_code,time_zone"
    (accounts / "odd.csv").write_text(
        f"{header},language,delivery_channel,sales_region,opened_date,closed_date,valid_from\n"
        "A0000001,C0000001,nordwind,monthly_1,USD,Europe/Berlin,en,email,,2020-01-01,,2026-10-01\n"
        "A0000002,C0000002,nordwind,monthly_7,EUR,Europe/Berlin,en,email,,2020-01-01,,2026-10-01\n"
    )
    answer = stage.command("run", "--bill-date", "2026-11-01", "--until", "issue")
    assert answer.exit_code == 0, answer.output
    odd = stage.keep("odd")
    held = odd.query(
        "select billing_account_id, outcome_reason from intermediate.int_accounts__decided"
        " where outcome = 'held' and billing_account_id in ('A0000001', 'A0000002')"
        " order by all"
    )
    assert held == [("A0000001", "foreign_currency"), ("A0000002", "unknown_cycle")]
    assert not _invoiced(odd, FIRST_BILL_DATE) & {"A0000001", "A0000002"}
    assert _invoiced(odd, FIRST_BILL_DATE)


def _copy_project(folder: Path) -> Path:
    for name in ("dbt_project", "seeds"):
        shutil.copytree(PROJECT / name, folder / "project" / name)
    return folder / "project"
