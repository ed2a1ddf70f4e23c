"""Impact as a page and as markdown: the figures are there, and data is never markup."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import date
from decimal import Decimal

import duckdb
from rich.console import Console

from orchestration.impact.queries import OPPOSITE
from orchestration.impact.showing import print_impact
from orchestration.lib.warehouse import read_rows
from renderers.impact import (
    FOOTNOTE,
    MOVERS_TAX,
    AccountChange,
    CurrencyImpact,
    FindingChange,
    ImpactReport,
    LineChange,
    OutcomeChange,
    RevenueChange,
    SeedChange,
    Spread,
    SuspenseChange,
    gate,
    line_texts,
    percent_text,
    render_impact,
    render_markdown,
    verdict,
)

HOSTILE = "<img src=x onerror=alert(1)> | `x` [a](http://b) @team *x*"


def revenue(label: str, before: str, after: str) -> RevenueChange:
    return RevenueChange(label, Decimal(before), Decimal(after), Decimal("1.00"))


def impact(name: str = "A1") -> ImpactReport:
    """One account up, one down, one the same; amounts in a currency of three decimals."""
    line = LineChange(
        subscription_id="S1",
        description=f"Calls {name}",
        charge_code="voice",
        source_before="UR-1",
        source_after="UR-2",
        period_start=date(2026, 10, 1),
        period_end=date(2026, 11, 1),
        before_amount=Decimal("10.000"),
        after_amount=Decimal("12.500"),
    )
    up = AccountChange(name, Decimal("10"), Decimal("12.5"), Decimal("2.5"), Decimal("25"), (line,))
    new = AccountChange("A2", Decimal(0), Decimal(1), Decimal(1), None)
    currency = CurrencyImpact(
        currency_code="TND",
        minor_units=3,
        accounts_up=2,
        accounts_down=0,
        accounts_unchanged=1,
        before_amount=Decimal("1010.000"),
        after_amount=Decimal("1013.500"),
        change=Decimal("3.500"),
        percent=Decimal("0.35"),
        amounts=Spread(Decimal("1"), Decimal("2.5"), Decimal("2.5")),
        percents=Spread(Decimal("25"), Decimal("25"), Decimal("25")),
        steps=(("unchanged", 1), ("10 to 25 %", 2)),
        by_plan=(revenue(name, "1000", "1003.5"), revenue("flat", "10", "10")),
        by_zone=(revenue("zone", "1000", "1003.5"),),
        by_charge_type=(revenue("usage", "1000", "1003.5"),),
        by_charge=(revenue("voice", "1000", "1003.5"),),
        movers=(up, new),
        breaking=(new, up),
    )
    return ImpactReport(
        before="HEAD (0123456789ab)",
        after="working tree",
        bill_date=date(2026, 11, 1),
        passes=("p-1",),
        files=("dbt_project/models/x.sql",),
        seed_changes=(SeedChange("seeds/a.csv", 2, "changed", "UR-1", f"rate 1 → {name}"),),
        currencies=(currency,),
        findings=(
            FindingChange(name, "total_very_large", "1,001 TND", is_new=True),
            FindingChange("A9", "usage_spike", "gone", is_new=False),
        ),
        outcomes=(OutcomeChange("issue", "held", 1),),
        suspended=(SuspenseChange("no_rate", 0, 12),),
        max_percent=Decimal("10.0"),
    )


def test_the_answer_is_one_sentence() -> None:
    report = impact()
    assert verdict(report) == (
        "2 bills go up, 0 down, 1 stay; +3.500 TND with tax in all (+0.35 %)."
    )
    assert gate(report) == "2 bills move by more than 10 %."
    still = replace(report.currencies[0], accounts_up=0, breaking=())
    quiet = replace(report, currencies=(still,))
    assert verdict(quiet) == "No bill changes."
    assert gate(quiet) == "No bill moves by more than 10 %."
    assert gate(replace(quiet, max_percent=None)) == ""
    (one,) = report.currencies
    single = replace(one, accounts_up=1, breaking=one.breaking[:1])
    alone = replace(report, currencies=(single,))
    assert verdict(alone).startswith("1 bill goes up, 0 down, 1 stay; ")
    assert gate(alone) == "1 bill moves by more than 10 %."


def shown_in_terminal(report: ImpactReport) -> str:
    console = Console(width=200, record=True, file=io.StringIO())
    print_impact(report, console)
    return console.export_text()


def test_every_form_says_what_is_with_tax_and_what_without() -> None:
    report = impact()
    page, markdown, shown = (
        render_impact(report),
        render_markdown(report),
        shown_in_terminal(report),
    )
    for text in (page, markdown, shown):
        assert "+3.500 TND with tax in all" in text
        for table in ("Revenue by charge type", "Revenue by plan", "Rated usage by zone"):
            assert f"{table}, without tax" in text
        assert f"Largest moves, {MOVERS_TAX}" in text or f"beyond the limit, {MOVERS_TAX}" in text
        assert FOOTNOTE.split(";")[0] in " ".join(text.split())
    assert "Bills with tax, TND" in page
    assert "### Bills in TND, with tax" in markdown


def test_those_that_move_against_the_rest_are_shown_too() -> None:
    report = impact()
    (one,) = report.currencies
    for change, way in (("-4", "down"), ("4", "up")):
        mover = AccountChange("A7", Decimal(9), Decimal(9) + int(change), Decimal(change), None)
        against = replace(report, currencies=(replace(one, opposite=(mover,)),))
        for text in (render_impact(against), render_markdown(against), shown_in_terminal(against)):
            assert f"Largest moves {way}, against the rest" in text
            assert "A7" in text
    for text in (render_impact(report), render_markdown(report), shown_in_terminal(report)):
        assert "against the rest" not in text


def test_the_opposite_movers_are_those_against_the_sum_and_at_most_five() -> None:
    with duckdb.connect() as sql:
        sql.execute(
            """
            create table accounts as
            select
                'A' || number as billing_account_id,
                'EUR' as currency_code,
                100.0 as before_amount,
                100.0 + amount as after_amount,
                amount as change,
                amount as percent
            from (
                values (1, 50.0), (2, -1.0), (3, -2.0), (4, -3.0), (5, -4.0), (6, -5.0), (7, -6.0),
                (8, 0.0)
            ) as moved (number, amount)
            """
        )
        given = {"currency_code": "EUR", "shown": 10}
        found = [row["billing_account_id"] for row in read_rows(sql, OPPOSITE, given)]
        assert found == ["A7", "A6", "A5", "A4", "A3"]
        assert len(read_rows(sql, OPPOSITE, {**given, "shown": 2})) == 2
        sql.execute("update accounts set change = -50 where billing_account_id = 'A1'")
        assert read_rows(sql, OPPOSITE, given) == []
        # The sum is nothing: most go down, so that the one that goes up is against the rest.
        sql.execute("update accounts set change = 21 where billing_account_id = 'A1'")
        assert [row["billing_account_id"] for row in read_rows(sql, OPPOSITE, given)] == ["A1"]


def test_a_negative_amount_has_no_percentage_and_nothing_before_is_new() -> None:
    assert percent_text(Decimal("-566.46"), Decimal("-34.09")) == ""
    assert percent_text(Decimal("566.46"), Decimal("34.09")) == "+34.09 %"
    assert percent_text(Decimal(0), None) == "new"
    discount = RevenueChange("discount", Decimal("-566.46"), Decimal("-759.56"), Decimal("-34.09"))
    report = impact()
    cut = replace(report.currencies[0], by_charge_type=(discount,))
    less = replace(report, currencies=(cut,))
    for text in (render_impact(less), render_markdown(less), shown_in_terminal(less)):
        assert "-193.100" in text
        assert "34.09" not in text


def test_lines_of_one_text_are_told_apart_by_as_much_as_it_takes() -> None:
    (line,) = impact().currencies[0].movers[0].lines
    november = replace(line, period_start=date(2026, 11, 1), period_end=date(2026, 12, 1))
    other = replace(line, subscription_id="S2")
    account = replace(line, subscription_id=None, description="Fee")
    assert line_texts((line, other, account), with_subscription=False) == [
        "Calls A1, S1",
        "Calls A1, S2",
        "Fee",
    ]
    assert line_texts((line, november, account)) == [
        "Calls A1, S1, 2026-10-01 to 2026-11-01",
        "Calls A1, S1, 2026-11-01 to 2026-12-01",
        "Fee, account",
    ]


def test_markdown_has_every_section_with_its_figures() -> None:
    text = render_markdown(impact())
    for expected in (
        "## Tariff impact: 2 bills go up",
        "❌ **2 bills move by more than 10 %.**",
        "- `seeds/a.csv:2` changed `UR-1`: rate 1 → A1",
        "- `dbt_project/models/x.sql`",
        "| billed after | 1,013.500 | +0.35 % |",
        "| 95th percentile | 2.500 | 25.00 % |",
        "| usage | 1,000.000 | 1,003.500 | +3.500 | +1.00 % |",
        "| A2 | 0.000 | 1.000 | +1.000 | new |",
        "| &nbsp;&nbsp;Calls A1 (UR-1 → UR-2) | 10.000 | 12.500 | +2.500 | |",
        "- `total_very_large`: A1",
        "### No longer held",
        "| no\\_rate | 0 | 12 |",
    ):
        assert expected in text, text
    assert "| flat |" not in text


def test_data_is_no_markup_in_markdown() -> None:
    for line in render_markdown(impact(HOSTILE)).splitlines():
        assert "<img" not in line
        assert "@team" not in line
        assert not re.search(r"(?<!\\)\[a", line)
        if line.startswith("|"):
            cells = re.findall(r"(?<!\\)\|", line)
            assert len(cells) in (4, 5, 6), line


def test_data_is_no_markup_on_the_page_and_nothing_is_loaded() -> None:
    page = render_impact(impact(HOSTILE))
    assert "<img" not in page
    assert "<script" not in page
    assert "default-src 'none'" in page
    assert not re.search(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//""", page)
    assert "&lt;img src=x" in page
    for expected in ("1,013.500", "newly held", "no longer held", "no_rate", "UR-1 → UR-2"):
        assert expected in page
