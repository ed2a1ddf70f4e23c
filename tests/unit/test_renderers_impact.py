"""Impact as a page and as markdown: the figures are there, and data is never markup."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal

from renderers.impact import (
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
    assert verdict(report) == "2 bills go up, 0 down, 1 stay; +3.500 TND in all (+0.35 %)."
    assert gate(report) == "2 bills move by more than 10 %."
    still = replace(report.currencies[0], accounts_up=0, breaking=())
    quiet = replace(report, currencies=(still,))
    assert verdict(quiet) == "No bill changes."
    assert gate(quiet) == "No bill moves by more than 10 %."
    assert gate(replace(quiet, max_percent=None)) == ""


def test_markdown_has_every_section_with_its_figures() -> None:
    text = render_markdown(impact())
    for expected in (
        "## Tariff impact: 2 bills go up",
        "❌ **2 bills move by more than 10 %.**",
        "- `seeds/a.csv:2` changed `UR-1`: rate 1 → A1",
        "- `dbt_project/models/x.sql`",
        "| billed after | 1,013.500 | +0.35 % |",
        "| 95th percentile | 2.500 | 25.00 % |",
        "| usage | 1,000.000 | 1,003.500 | +3.500 |",
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
