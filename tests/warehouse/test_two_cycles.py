"""Two cycles in one series, a closed account and a bill on demand: dates, periods and numbers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from billing_homes import PROJECT, Home

from orchestration.issue.freezing import IssueError
from orchestration.settings import Settings

pytestmark = pytest.mark.heavy

OCTOBER_31, NOVEMBER_1, NOVEMBER_15 = date(2026, 10, 31), date(2026, 11, 1), date(2026, 11, 15)
# account, cycle, closed
ACCOUNTS = (
    ("A1", "monthly_1", ""),
    ("A2", "monthly_1", "2026-11-10"),
    ("A3", "monthly_31", ""),
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A house of three accounts in two cycles, one of which closes in November, collected."""
    made = Home(Settings(home=tmp_path_factory.mktemp("cycles") / "home", project_root=PROJECT))
    inbox = made.settings.inbox
    for entity, header, row in (
        (
            "customers",
            "customer_id,customer_type,customer_name,email,street,postal_code,city,country_code,"
            "vat_number,valid_from",
            "C{0},person,Ada {0},ada@example.org,Main Street 1,10115,Berlin,DE,,2026-09-01",
        ),
        (
            "billing_accounts",
            "billing_account_id,customer_id,legal_entity_id,bill_cycle_id,currency_code,time_zone,"
            "language,delivery_channel,sales_region,opened_date,closed_date,valid_from",
            "{0},C{0},nordwind,{1},EUR,Europe/Berlin,en,email,,2026-10-01,{2},2026-10-01",
        ),
        (
            "subscriptions",
            "subscription_id,billing_account_id,activated_date,terminated_date,valid_from",
            "S{0},{0},2026-10-01,{2},2026-10-01",
        ),
        (
            "subscription_plans",
            "subscription_id,plan_id,valid_from,valid_to",
            "S{0},flat_s,2026-10-01,",
        ),
        (
            "subscription_identifiers",
            "subscription_id,identifier_type,identifier,valid_from,valid_to",
            "S{0},msisdn,49151000000{3},2026-10-01T00:00:00+02:00,",
        ),
    ):
        rows = [row.format(*account, number) for number, account in enumerate(ACCOUNTS, start=11)]
        _write(inbox / entity / "1.csv", header, *rows)
    _write(
        inbox / "usage" / "1.csv",
        "record_id,service,direction,identifier,other_number,started_at,duration_seconds,"
        "volume_bytes,serving_network",
        *(
            f"{month}-{number},sms,outgoing,49151000000{number},4915112345678,"
            f"2026-{month}-05T12:00:00+01:00,0,0,26299"
            for month in (10, 11)
            for number in (11, 12, 13)
        ),
    )
    made.collect()
    yield made
    made.close()


@pytest.fixture(scope="module")
def overtaken(home: Home) -> list[dict[str, Any]]:
    """The invoices after the older pass waited while the newer one was issued, and went on."""
    home.calculate(OCTOBER_31)
    home.calculate(NOVEMBER_1)
    home.issue(NOVEMBER_1)
    with pytest.raises(IssueError, match=r"the series stands at 2026-11-01 meanwhile"):
        home.issue(OCTOBER_31)
    home.calculate(OCTOBER_31)
    home.issue(OCTOBER_31)
    return _invoices(home)


@pytest.fixture(scope="module")
def off_cycle(home: Home, overtaken: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The invoices after a bill on demand and the final bills of the same day."""
    opened = home.calculate(NOVEMBER_15, "off_cycle", ("A1",))
    assert [one.pass_kind for one in opened] == ["off_cycle"]
    home.calculate(NOVEMBER_15)
    home.issue(NOVEMBER_15)
    return _invoices(home)


def test_an_older_pass_is_issued_after_a_newer_one_under_its_date(
    overtaken: list[dict[str, Any]],
) -> None:
    found = [(one["invoice_number"], one["billing_account_id"]) for one in overtaken]
    assert found == [
        ("NW-R-2026-000001", "A1"),
        ("NW-R-2026-000002", "A2"),
        ("NW-R-2026-000003", "A3"),
    ]
    last = overtaken[-1]
    # The document's dates follow the issue, the period is the pass's own.
    assert (last["issue_date"], last["due_date"], last["tax_point_date"]) == (
        NOVEMBER_1,
        NOVEMBER_15,
        NOVEMBER_1,
    )
    assert (last["bill_date"], last["period_end"]) == (OCTOBER_31, OCTOBER_31)


def test_a_closed_account_gets_its_final_bill_without_being_named(
    off_cycle: list[dict[str, Any]],
) -> None:
    mid_november = {
        one["billing_account_id"]: one for one in off_cycle if one["bill_date"] == NOVEMBER_15
    }
    # A1 asked for it, A2 closed on the 10th, A3 has its own cycle.
    assert set(mid_november) == {"A1", "A2"}
    assert {one["pass_kind"] for one in mid_november.values()} == {"off_cycle"}
    # Its fee was charged up to the 10th, known ahead: what is left is the message of the 5th.
    assert mid_november["A2"]["usage_amount"] == mid_november["A2"]["net_amount"] > 0


def test_a_bill_on_demand_leaves_nothing_twice_for_the_cycle(
    home: Home, off_cycle: list[dict[str, Any]]
) -> None:
    december = date(2026, 12, 1)
    home.calculate(december)
    home.issue(december)
    billed = _query(
        home,
        "select event_id, count(*) from marts.fct_rated_usage where usage_status = 'billed'"
        " group by 1 having count(*) > 1",
    )
    assert billed == []
    periods = _query(
        home,
        "select period_start, period_end from marts.fct_charges where billing_account_id = 'A1'"
        " and charge_type = 'recurring' order by 1",
    )
    ends = [end for _, end in periods]
    assert [start for start, _ in periods[1:]] == ends[:-1]
    assert ends[-1] == date(2027, 1, 1)


def _write(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _query(home: Home, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(home.settings.warehouse), read_only=True) as warehouse:
        return warehouse.execute(sql).fetchall()


def _invoices(home: Home) -> list[dict[str, Any]]:
    columns = (
        "invoice_number, billing_account_id, issue_date, due_date, tax_point_date, bill_date,"
        " period_end, pass_kind, net_amount, usage_amount"
    )
    rows = _query(
        home,
        f"select {columns} from (select invoices.*, passes.pass_kind,"
        " (select max(tax_point_date) from marts.fct_invoice_taxes as taxes"
        " where taxes.invoice_id = invoices.invoice_id) as tax_point_date"
        " from marts.fct_invoices as invoices"
        " inner join marts.fct_bill_runs as passes on invoices.pass_id = passes.pass_id"
        " where invoices.billing_status = 'issued') order by invoice_number",
    )
    return [dict(zip(columns.split(", "), row, strict=True)) for row in rows]
