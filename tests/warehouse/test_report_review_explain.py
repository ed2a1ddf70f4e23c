"""What people read of a billed home: the cycle report, the review queue and explained invoices."""

from __future__ import annotations

import csv
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from billing_homes import FIRST_BILL_DATE, PROJECT, Home

from orchestration.ledger.actor import current_actor
from orchestration.lib.publish import publish_marts
from orchestration.lib.warehouse import WarehouseError, open_warehouse
from orchestration.render.documents import read_invoices
from orchestration.report.cycle import read_reports, write_cycle_report
from orchestration.review.explain import ExplainError, explain
from orchestration.review.queue import QueueItem, ReviewError, decide, list_queue, show_account
from orchestration.settings import Settings
from renderers.report import CycleReport

ISSUED = "select invoice_id from marts.fct_invoices where billing_status = 'issued' limit 5"
GENERATED_AT = datetime(2026, 11, 2, 9, 12, tzinfo=UTC)


def _query(home: Home, query: str) -> list[tuple[Any, ...]]:
    with open_warehouse(home.settings) as warehouse:
        return warehouse.execute(query).fetchall()


def _report(home: Home) -> CycleReport:
    with open_warehouse(home.settings) as warehouse:
        (report,) = read_reports(warehouse, FIRST_BILL_DATE, GENERATED_AT)
    return report


def _held(home: Home) -> list[QueueItem]:
    return [item for item in list_queue(home.settings) if item.review_status == "held"]


# The report


def test_the_report_agrees_with_the_ledger_and_with_itself(billed_home: Home) -> None:
    report = _report(billed_home)
    ((count, total),) = _query(
        billed_home, "select count(*), sum(total_amount) from staging.stg_ledger__documents"
    )
    assert (report.documents_issued, report.total_amount) == (count, total)
    assert report.net_amount + report.tax_amount == report.total_amount
    for revenue in (
        report.revenue_by_charge_type,
        report.revenue_by_charge,
        report.revenue_by_plan,
        report.revenue_by_region,
    ):
        assert sum(row.net_amount for row in revenue) == report.net_amount
    assert sum(tax.tax_amount for tax in report.taxes) == report.tax_amount
    assert sum(tax.taxable_amount for tax in report.taxes) == report.net_amount
    assert sum(row.amount for row in report.payments) == report.total_amount
    assert sum(row.amount for row in report.ageing) == report.total_amount
    assert sum(row.documents for row in report.deliveries) == count
    assert report.accounts_due == (
        count
        + report.accounts_held
        + report.accounts_without_charge
        + report.accounts_carried_forward
    )


def test_the_report_shows_every_control_and_no_record_is_lost(billed_home: Home) -> None:
    report = _report(billed_home)
    ((controls,),) = _query(billed_home, "select count(*) from marts.rpt_control_totals")
    assert len(report.control_totals) == controls
    assert all(control.is_ok for control in report.control_totals)
    assert len(report.fates) == 5
    assert all(fate.is_ok for fate in report.fates)
    ((rejects,),) = _query(billed_home, "select count(*) from staging.stg_landing__rejects")
    assert sum(row.records for row in report.rejected) == rejects > 0
    ((suspended,),) = _query(billed_home, "select count(*) from marts.fct_suspended_usage")
    assert sum(row.records for row in report.suspense) == suspended > 0


def test_the_page_is_written_whole_and_names_nobody(billed_home: Home, tmp_path: Path) -> None:
    settings = replace(billed_home.settings, home=tmp_path / "home")
    settings.home.mkdir()
    shutil.copy(billed_home.settings.warehouse, settings.warehouse)
    path = write_cycle_report(settings, FIRST_BILL_DATE, GENERATED_AT)
    assert path == settings.reports / "2026-11-01.html"
    page = path.read_text(encoding="utf-8")
    assert "✗" not in page
    assert "Nordwind Mobil GmbH" in page
    people = _query(
        billed_home,
        "select customer_name from marts.dim_billing_accounts union "
        "select email from marts.dim_billing_accounts where email <> '' union "
        "select identifier from marts.dim_subscriptions",
    )
    assert not [text for (text,) in people if text and text in page]
    assert write_cycle_report(settings, FIRST_BILL_DATE, GENERATED_AT).read_text() == page
    assert [one.name for one in settings.reports.iterdir()] == ["2026-11-01.html"]
    empty = write_cycle_report(settings, date(2026, 10, 1), GENERATED_AT)
    assert "Nothing was opened on this date." in empty.read_text()


def test_without_a_warehouse_there_is_one_line(settings: Settings) -> None:
    with pytest.raises(WarehouseError, match="no bill run"):
        write_cycle_report(settings, FIRST_BILL_DATE, GENERATED_AT)
    with pytest.raises(WarehouseError, match="no bill run"):
        list_queue(settings)


def test_the_marts_are_published_with_their_descriptions(billed_home: Home, tmp_path: Path) -> None:
    settings = replace(billed_home.settings, home=tmp_path / "home")
    settings.home.mkdir()
    shutil.copy(billed_home.settings.warehouse, settings.warehouse)
    summary = publish_marts(settings)
    with duckdb.connect(str(summary.database), read_only=True) as bi:
        uncommented = bi.execute(
            "select table_name, column_name from duckdb_columns()"
            " where schema_name = 'marts' and comment is null"
        ).fetchall()
    assert uncommented == []
    for mart, rows in summary.row_counts.items():
        path = summary.parquet / f"{mart}.parquet"
        parquet = duckdb.sql(f"select count(*) from '{path}'").fetchall()
        assert parquet == _query(billed_home, f"select count(*) from marts.{mart}") == [(rows,)]


# The review queue


def test_the_queue_is_in_the_order_of_what_is_at_stake(billed_home: Home) -> None:
    held = _held(billed_home)
    stakes = [item.amount_at_stake for item in held]
    assert stakes == sorted(stakes, reverse=True)
    assert stakes[0] > 0
    assert list_queue(billed_home.settings, date(2026, 10, 1)) == []


def test_a_held_account_shows_its_evidence_and_the_bill_that_waits(billed_home: Home) -> None:
    worst = _held(billed_home)[0]
    case = show_account(billed_home.settings, worst.billing_account_id)
    assert worst in case.findings
    assert case.bill is not None
    assert case.bill.billing_status == "held"
    assert case.bill.invoice_number is None
    assert sum(line.net_amount for line in case.lines) == case.bill.net_amount
    assert len(case.past_bills) == 6
    assert case.past_bills[0].bill_date > case.past_bills[-1].bill_date
    text = case.as_text()
    assert worst.seen in text
    assert case.as_dict()["bill"]["total_amount"] == case.bill.total_amount
    ((name,),) = _query(
        billed_home,
        "select customer_name from marts.dim_billing_accounts"
        f" where billing_account_id = '{worst.billing_account_id}'",
    )
    assert name not in text
    with pytest.raises(ReviewError, match="unknown account nobody"):
        show_account(billed_home.settings, "nobody")


def test_what_was_frozen_is_shown_and_printed_whatever_is_computed_later(
    billed_copy: Home,
) -> None:
    """A rebuild computes nothing of an issued pass, and later a tariff has other words for it."""
    held = _held(billed_copy)[0].billing_account_id
    shown = show_account(billed_copy.settings, held)
    assert shown.lines
    with open_warehouse(billed_copy.settings) as warehouse:
        ids = [row[0] for row in warehouse.execute(ISSUED).fetchall()]
        printed = read_invoices(warehouse, ids)
    assert any(
        event.destination for one in printed for own in one.subscriptions for event in own.itemised
    )
    with duckdb.connect(str(billed_copy.settings.warehouse)) as warehouse:
        for statement in (
            "delete from intermediate.int_invoices__totalled",
            "delete from intermediate.int_invoice_lines__rounded",
            "update seeds.zones set label_en = 'elsewhere', label_de = 'anderswo'",
            "update seeds.countries set country_name = 'Nowhere', country_name_de = 'Nirgends'",
            "update marts.dim_subscriptions set identifier = '1', plan_name = 'another plan'",
        ):
            warehouse.execute(statement)
    assert show_account(billed_copy.settings, held) == shown
    with open_warehouse(billed_copy.settings) as warehouse:
        assert read_invoices(warehouse, ids) == printed


def test_a_decision_that_cannot_be_is_refused_and_nothing_is_written(billed_copy: Home) -> None:
    settings, ledger = billed_copy.settings, billed_copy.ledger
    held = _held(billed_copy)[0].billing_account_id
    ((billed, number),) = _query(
        billed_copy,
        "select billing_account_id, invoice_number from marts.fct_invoices"
        " where billing_status = 'issued' order by 1 limit 1",
    )
    refused = [
        (([held], "release", "  \n"), {}, "a reason is needed"),
        (([], "release", "why"), {}, "name the accounts"),
        (([held, "nobody"], "release", "why"), {}, "unknown account nobody"),
        (
            ([held, billed], "release", "why"),
            {},
            f"account {billed} is billed already, by {number}",
        ),
        (([billed], "hold", "why"), {}, "billed already"),
        (([held], "release", "why", date(2026, 12, 1)), {}, "belongs to bill date 2026-11-01"),
        (([held], "release", "why"), {"rule_id": "zero_usage"}, "not both"),
        (([], "release", "why"), {"rule_id": "no_such"}, "no account is held by the rule no_such"),
        (([held], "adjust", "why"), {}, "one of release, hold"),
    ]
    for arguments, named, message in refused:
        with pytest.raises(ReviewError, match=message) as raised:
            decide(settings, ledger, *arguments, **named)
        assert "\n" not in str(raised.value)
    assert show_account(settings, held).decisions == ()


def test_a_released_account_is_billed_in_a_supplementary_pass(billed_copy: Home) -> None:
    settings, ledger = billed_copy.settings, billed_copy.ledger
    before = _report(billed_copy)
    spikes = decide(
        settings,
        ledger,
        [],
        "release",
        "customer confirmed",
        FIRST_BILL_DATE,
        rule_id="usage_spike",
    )
    again = decide(settings, ledger, spikes, "release", "customer confirmed")
    assert again == spikes
    (decision,) = show_account(settings, spikes[0]).decisions
    assert (decision.decision, decision.decided_by) == ("release", current_actor())
    assert decision.reason == "customer confirmed"
    billed_copy.calculate(FIRST_BILL_DATE, "supplementary")
    billed_copy.issue(FIRST_BILL_DATE)
    after = _report(billed_copy)
    assert [one.name for one in after.passes] == ["main 1", "supplementary 1"]
    assert after.documents_issued == before.documents_issued + len(spikes)
    assert after.accounts_held == before.accounts_held - len(spikes)
    assert after.accounts_due == before.accounts_due
    assert after.accounts_carried_forward == 0
    assert all(tie.is_ok for tie in (*after.control_totals, *after.fates))
    with pytest.raises(ReviewError, match="billed already"):
        decide(settings, ledger, spikes, "hold", "too late")
    case = show_account(settings, spikes[0])
    assert case.bill is not None
    assert case.bill.invoice_number is not None


def test_a_hold_takes_a_release_back(billed_copy: Home) -> None:
    account = _held(billed_copy)[0].billing_account_id
    for decision in ("release", "hold", "hold"):
        decide(billed_copy.settings, billed_copy.ledger, [account], decision, "thought again")
    decisions = show_account(billed_copy.settings, account).decisions
    assert [one.decision for one in decisions] == ["release", "hold"]


# Explained invoices


def _issued(home: Home, where: str = "true") -> list[str]:
    rows = _query(
        home,
        "select distinct invoice_number from marts.fct_invoices as invoices"
        " inner join marts.fct_invoice_lines as lines on invoices.invoice_id = lines.invoice_id"
        f" where invoices.billing_status = 'issued' and {where} order by 1 limit 4",
    )
    return [number for (number,) in rows]


@pytest.mark.parametrize("charge_type", ["recurring", "usage", "discount", "one_off"])
def test_every_line_follows_from_its_sources(billed_home: Home, charge_type: str) -> None:
    numbers = _issued(billed_home, f"charge_type = '{charge_type}'")
    assert numbers
    for number in numbers:
        found = explain(billed_home.settings, number)
        assert sum(line.net_amount for line in found.lines) == found.net_amount
        assert charge_type in {line.charge_type for line in found.lines}
        for line in found.lines:
            told = " ".join((*line.arithmetic, *line.sources))
            assert "changed since" not in told
            assert "no longer" not in told
            assert line.sources
            assert bool(line.records) == (line.charge_type == "usage")


def test_a_line_leads_to_the_record_in_the_file_and_the_row_in_the_seed(
    billed_home: Home,
) -> None:
    number = _issued(billed_home, "charge_code = 'voice_day'")[0]
    whole = explain(billed_home.settings, number)
    line_number = next(line for line in whole.lines if line.charge_code == "voice_day").line_number
    found = explain(billed_home.settings, f"{number}/{line_number}", shown_records=10_000)
    (line,) = found.lines
    assert len(line.records) >= line.record_count > 3
    assert sum(record.rated_amount for record in line.records) == line.charge_amount
    record = line.records[0]
    source = next((billed_home.settings.inbox / "usage").rglob(record.file_name))
    row = list(csv.reader(source.open(encoding="utf-8", newline="")))[record.record_number]
    duration = row[6]
    assert record.arithmetic.startswith(f"{int(duration):,} s in increments")
    assert record.other_number == f"+{row[4][:-3]}xxx"
    row_id, place = record.tariff_row.split(" (")
    file, at = place.rstrip(")").split(", line ")
    seed = (PROJECT / file).read_text(encoding="utf-8").splitlines()
    assert seed[int(at) - 1].startswith(f"{row_id},")
    assert found.commit_hash in found.as_text()
    assert line.records[0].arithmetic in found.as_text()


def test_a_row_that_has_changed_since_is_said(billed_home: Home, tmp_path: Path) -> None:
    root = tmp_path / "project"
    shutil.copytree(PROJECT / "seeds", root / "seeds")
    rates = root / "seeds" / "tariff" / "usage_rates.csv"
    rates.write_text(rates.read_text().replace("0.170000,60", "0.180000,60"))
    promotions = root / "seeds" / "tariff" / "promotions.csv"
    promotions.write_text(promotions.read_text().splitlines()[0] + "\n")
    changed = replace(billed_home.settings, project_root=root)
    number = _issued(billed_home, "charge_code = 'voice_day'")[0]
    assert "billed at 0.170000 per 60 + 0.000000: the row has changed since" in (
        explain(changed, number).as_text()
    )
    number = _issued(billed_home, "charge_type = 'discount'")[0]
    assert "no longer in seeds/tariff/promotions.csv" in explain(changed, number).as_text()


def test_an_invoice_id_works_too_and_an_unknown_one_is_one_line(billed_home: Home) -> None:
    ((invoice_id, number, total),) = _query(
        billed_home,
        "select invoice_id, invoice_number, total_amount from marts.fct_invoices"
        " where billing_status = 'issued' order by 1 limit 1",
    )
    found = explain(billed_home.settings, f"{invoice_id}/1")
    assert (found.invoice_number, found.total_amount) == (number, Decimal(total))
    assert [line.line_number for line in found.lines] == [1]
    with pytest.raises(ExplainError, match="there is no invoice NW-0"):
        explain(billed_home.settings, "NW-0/1")
    with pytest.raises(ExplainError, match="has no line 999"):
        explain(billed_home.settings, number, 999)
