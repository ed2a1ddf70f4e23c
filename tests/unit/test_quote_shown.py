"""Quotes in a terminal: who is advised what, and who cannot be."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal

from rich.console import Console

from orchestration.quote.running import Advice, PlanCost, Quote, Quotes
from orchestration.quote.showing import advised, print_quotes, without_advice


def cost(plan_id: str, name: str, total: str | None) -> PlanCost:
    amounts = (Decimal(9), Decimal(1), Decimal(-2), Decimal(0))
    return PlanCost(
        "A1",
        "S1",
        "big",
        plan_id,
        name,
        "EUR",
        *amounts,
        None if total is None else Decimal(total),
        0,
        plan_id == "small",
    )


def quote(present: str, amount: str | None, saving: str) -> Quote:
    plans = (cost("big", "Flat L", "8"), cost("small", "Flat S", "5"), cost("gone", "gone", None))
    present_amount = None if amount is None else Decimal(amount)
    return Quote(
        "A1", "S1", present, "small", "EUR", present_amount, Decimal(5), Decimal(saving), plans
    )


def test_a_plan_without_a_price_gets_no_advice_and_is_listed_apart() -> None:
    found = Quotes(
        date(2026, 11, 1),
        "working tree",
        (quote("big", "8", "3"), quote("gone", None, "0")),
        (
            Advice("EUR", "big", "small", 1, Decimal(3)),
            Advice("EUR", "gone", "small", 1, Decimal(0)),
        ),
    )
    assert advised(found) == [("big (Flat L)", "small (Flat S)", "1", "3.00 EUR")]
    assert without_advice(found) == [("gone", "1")]


def test_one_account_sees_names_what_other_is_and_what_the_best_plan_saves() -> None:
    console = Console(width=160, record=True, file=io.StringIO())
    print_quotes(Quotes(date(2026, 11, 1), "tree", (quote("big", "8", "3"),), ()), console)
    shown = console.export_text()
    assert "big (Flat L)" in shown
    assert "other: promotions" in shown
    assert "small saves 3.00 EUR" in shown
