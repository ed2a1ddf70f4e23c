"""A parent that pays for its children, with a volume discount over them and coupons of a child."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from billing_homes import PROJECT, Home

from orchestration.lib.warehouse import open_warehouse
from orchestration.render.documents import read_invoices
from orchestration.review.explain import explain
from orchestration.review.queue import decide
from orchestration.settings import Settings
from renderers.invoice import check_invoice

pytestmark = pytest.mark.heavy

NOVEMBER, DECEMBER = date(2026, 11, 1), date(2026, 12, 1)
# account, its own cycle, who pays for it; all pay 4.99 a month in advance, from October on.
ACCOUNTS = (
    ("P", "monthly_1", ""),
    ("K1", "monthly_31", "P"),
    ("K2", "monthly_1", "P"),
    ("Z", "monthly_1", ""),
)
# 10 % off the fees of a month where one invoice has 7.00 of them: three accounts have, one has not.
VOLUME = (
    "PR-9001,Volume,Mengenrabatt,flat_s,*,recurring,plan_fee,period,group,10.00,,,7.00,,EUR,0,20,"
    "stacks,2020-01-01,"
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """The first bill: one child has no usage, so it and all on its invoice are held, Z is not."""
    folder = tmp_path_factory.mktemp("group")
    shutil.copytree(
        PROJECT / "dbt_project",
        folder / "project" / "dbt_project",
        ignore=shutil.ignore_patterns("target", "logs"),
    )
    shutil.copytree(PROJECT / "seeds", folder / "project" / "seeds")
    with (folder / "project" / "seeds" / "tariff" / "promotions.csv").open("a") as file:
        file.write(VOLUME + "\n")
    made = Home(Settings(home=folder / "home", project_root=folder / "project"))
    _write_inbox(made.settings.inbox)
    made.collect()
    made.calculate(NOVEMBER)
    made.issue(NOVEMBER)
    yield made
    made.close()


@pytest.fixture(scope="module")
def released(home: Home) -> Home:
    """The same after the child was released: the whole invoice is issued."""
    decide(home.settings, home.ledger, ["K1"], "release", "on holiday")
    home.calculate(NOVEMBER, "supplementary")
    home.issue(NOVEMBER)
    return home


@pytest.fixture(scope="module")
def next_month(released: Home) -> Home:
    """The same a month later."""
    released.calculate(DECEMBER)
    released.issue(DECEMBER)
    return released


def test_a_child_that_is_held_holds_the_invoice_it_stands_on(home: Home) -> None:
    assert _invoices(home) == [("Z", Decimal("10.07"))]
    assert _rows(
        home,
        "select billing_account_id, outcome, outcome_reason"
        " from staging.stg_issued__unbilled_accounts order by 1",
    ) == [
        ("K1", "held", "zero_usage"),
        ("K2", "held", "held with account K1"),
        ("P", "held", "held with account K1"),
    ]


def test_a_release_brings_all_on_the_invoice_and_each_line_keeps_its_account(
    released: Home,
) -> None:
    # Six fees less a tenth, a message of P and of K2, and what K1's first coupon can take.
    lines = _rows(
        released,
        "select billing_account_id, charge_type, sum(net_amount) from marts.fct_invoice_lines"
        " where billing_account_id <> 'Z' group by all order by all",
    )
    assert lines == [
        ("K1", "coupon", Decimal("-8.98")),
        ("K1", "discount", Decimal("-1.00")),
        ("K1", "recurring", Decimal("9.98")),
        ("K2", "discount", Decimal("-1.00")),
        ("K2", "recurring", Decimal("9.98")),
        ("K2", "usage", Decimal("0.09")),
        ("P", "discount", Decimal("-1.00")),
        ("P", "recurring", Decimal("9.98")),
        ("P", "usage", Decimal("0.09")),
    ]
    assert _invoices(released) == [("P", Decimal("18.14")), ("Z", Decimal("10.07"))]
    assert _rows(
        released,
        "select billing_account_id, outcome_reason from staging.stg_issued__unbilled_accounts"
        " where outcome = 'consolidated' order by 1",
    ) == [
        ("K1", "on the invoice of account P"),
        ("K2", "on the invoice of account P"),
    ]


def test_the_invoice_shows_every_account_and_adds_up(released: Home) -> None:
    with open_warehouse(released.settings) as warehouse:
        [(invoice_id,)] = warehouse.execute(
            "select invoice_id from marts.fct_invoices where billing_account_id = 'P'"
        ).fetchall()
        [invoice] = read_invoices(warehouse, [invoice_id])
    check_invoice(invoice)
    assert [part.label for part in invoice.subscriptions] == [
        "+4915100000011",
        "+4915100000012",
        "",
        "+4915100000013",
    ]
    assert [len(part.itemised) for part in invoice.subscriptions] == [1, 0, 0, 1]
    told = explain(released.settings, invoice.number).as_text()
    assert "coupon of 10.0000 on 8.980000" in told
    assert "- 10 % of 4.990000" in told


def test_a_coupon_goes_on_where_the_last_invoice_left_it(next_month: Home) -> None:
    # Of two coupons of 10.00, 8.98 were used: 4.49 and what a message costs in the next month.
    used = _rows(
        next_month,
        "select pass_id like '%2026-12%', rule_id, sum(taken_amount)"
        " from staging.stg_issued__rule_use where rule_type = 'coupon' group by all order by all",
    )
    assert used == [
        (False, "R1", Decimal("8.980000")),
        (True, "R1", Decimal("1.020000")),
        (True, "R2", Decimal("3.560000")),
    ]
    assert _rows(
        next_month,
        "select billing_account_id, sum(net_amount) from marts.fct_invoice_lines"
        " where pass_id like '%2026-12%' group by all order by all",
    ) == [
        ("K1", Decimal("0.00")),
        ("K2", Decimal("4.58")),
        ("P", Decimal("4.58")),
        ("Z", Decimal("5.08")),
    ]


def _invoices(home: Home) -> list[tuple[Any, ...]]:
    return _rows(
        home,
        "select billing_account_id, net_amount from marts.fct_invoices"
        " where billing_status = 'issued' order by 1",
    )


def _rows(home: Home, query: str) -> list[tuple[Any, ...]]:
    with open_warehouse(home.settings) as warehouse:
        return warehouse.execute(query).fetchall()


def _write_inbox(inbox: Path) -> None:
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
            "language,delivery_channel,sales_region,opened_date,closed_date,valid_from,"
            "parent_account_id",
            "{0},C{0},nordwind,{1},EUR,Europe/Berlin,en,email,,2026-10-01,,2026-10-01,{2}",
        ),
        (
            "subscriptions",
            "subscription_id,billing_account_id,activated_date,terminated_date,valid_from",
            "S{0},{0},2026-10-01,,2026-10-01",
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
        inbox / "coupon_redemptions" / "1.csv",
        "redemption_id,coupon_id,billing_account_id,redeemed_date,ended_date",
        "R1,CP-0001,K1,2026-10-01,",
        "R2,CP-0001,K1,2026-10-02,",
    )
    _write(
        inbox / "usage" / "1.csv",
        "record_id,service,direction,identifier,other_number,started_at,duration_seconds,"
        "volume_bytes,serving_network",
        *(
            f"{month}-{number},sms,outgoing,49151000000{number},4915112345678,"
            f"2026-{month}-05T12:00:00+01:00,0,0,26299"
            for month, numbers in ((10, (11, 13, 14)), (11, (11, 12, 13, 14)))
            for number in numbers
        ),
    )


def _write(path: Path, header: str, *rows: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
