"""Quotes in a terminal and as CSV."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from orchestration.quote.running import PlanCost, Quote, Quotes

SHOWN = 20
# A spreadsheet takes a cell that begins so for a formula: a quote mark makes it text.
FORMULA = ("=", "+", "-", "@", "\t", "\r")
COLUMNS = (
    "billing_account_id",
    "subscription_id",
    "present_plan_id",
    "plan_id",
    "currency_code",
    "recurring_amount",
    "usage_amount",
    "other_amount",
    "shared_amount",
    "total_amount",
    "unpriced_count",
    "is_cheapest",
)


def as_csv(found: Quotes) -> str:
    """Return one line per subscription and plan; amounts as exact text, empty without a price."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for quote in found.quotes:
        for plan in quote.plans:
            writer.writerow(_cell(getattr(plan, column)) for column in COLUMNS)
    return stream.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return str(value).lower() if isinstance(value, bool) else str(value)


def print_quotes(found: Quotes, console: Console) -> None:
    """Print the advice, and the subscriptions that save most with what each plan would cost."""
    console.print(Text(f"Bill date {found.bill_date}, tariff of the {found.tariff}, without tax"))
    if len(found.quotes) == 1:
        _print_plans(found.quotes[0], console)
        return
    _table(console, "Best plan", ("on", "cheapest", "subscriptions", "they save"), advised(found))
    if left_out := without_advice(found):
        _table(console, "No advice: their plan has no price", ("on", "subscriptions"), left_out)
    saving = [one for one in found.quotes if one.saving_amount > 0]
    _table(
        console,
        f"Largest savings, {min(SHOWN, len(saving))} of {len(saving):,}",
        ("account", "subscription", "on", "cheapest", "costs", "would cost", "saves"),
        [
            (
                one.billing_account_id,
                one.subscription_id,
                one.present_plan_id,
                one.cheapest_plan_id or "",
                _amount(one.present_amount),
                _amount(one.cheapest_amount),
                f"{_amount(one.saving_amount)} {one.currency_code}",
            )
            for one in saving[:SHOWN]
        ],
    )


def advised(found: Quotes) -> list[tuple[str, ...]]:
    """Return a row per present and best plan, of those whose present plan has a price."""
    names = _names(found)
    unpriced = Counter(
        (one.currency_code, one.present_plan_id, one.cheapest_plan_id)
        for one in found.quotes
        if one.present_amount is None
    )
    rows: list[tuple[str, ...]] = []
    for one in found.advice:
        key = (one.currency_code, one.present_plan_id, one.cheapest_plan_id)
        if count := one.subscription_count - unpriced[key]:
            saved = f"{one.saving_amount:,.2f} {one.currency_code}"
            cheapest = _named(one.cheapest_plan_id or "none has a price", names)
            rows.append((_named(one.present_plan_id, names), cheapest, f"{count:,}", saved))
    return rows


def without_advice(found: Quotes) -> list[tuple[str, ...]]:
    """Return a row per present plan that has no price: no plan of the tariff, or not for all."""
    names = _names(found)
    counts = Counter(one.present_plan_id for one in found.quotes if one.present_amount is None)
    return [(_named(plan, names), f"{count:,}") for plan, count in counts.most_common()]


def _names(found: Quotes) -> dict[str, str]:
    return {plan.plan_id: plan.plan_name for quote in found.quotes for plan in quote.plans}


def _named(plan_id: str, names: dict[str, str]) -> str:
    name = names.get(plan_id, plan_id)
    return plan_id if name == plan_id else f"{plan_id} ({name})"


def _print_plans(quote: Quote, console: Console) -> None:
    _table(
        console,
        f"{quote.subscription_id} of account {quote.billing_account_id}",
        ("plan", "which", "fees", "usage", "other", "would cost", "currency or lack"),
        [_plan(one, quote) for one in quote.plans],
    )
    console.print(
        Text("other: promotions, coupons, caps, minimums, one-off charges and shared allowances")
    )
    if quote.present_amount is not None and quote.saving_amount > 0:
        saved = f"{_amount(quote.saving_amount)} {quote.currency_code}"
        console.print(Text(f"{quote.cheapest_plan_id} saves {saved}"))


def _plan(one: PlanCost, quote: Quote) -> tuple[str, ...]:
    notes = []
    if one.plan_id == quote.present_plan_id:
        notes.append("present")
    if one.is_cheapest:
        notes.append("cheapest")
    other = one.other_amount + one.shared_amount
    lack = f"{one.unpriced_count:,} records have no price" if one.unpriced_count else ""
    return (
        _named(one.plan_id, {one.plan_id: one.plan_name}),
        ", ".join(notes),
        _amount(one.recurring_amount),
        _amount(one.usage_amount),
        _amount(other),
        _amount(one.total_amount) or "no price",
        lack or one.currency_code,
    )


def _table(
    console: Console, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]
) -> None:
    figures = {"subscriptions", "they save", "costs", "would cost", "saves", "fees", "usage"}
    table = Table(title=title, title_justify="left", header_style="bold")
    for column in columns:
        right = column in figures or column == "other"
        table.add_column(column, overflow="fold", justify="right" if right else "left")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)


def _amount(value: Decimal | None) -> str:
    return "" if value is None else f"{value:,.2f}"
