"""Impact in a terminal and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from renderers.impact import (
    FOOTNOTE,
    MOVERS_TAX,
    AccountChange,
    CurrencyImpact,
    ImpactReport,
    RevenueChange,
    gate,
    line_texts,
    note,
    opposite_title,
    percent_text,
    revenue_tables,
    verdict,
)

BREAKING_SHOWN = 20


def as_json(report: ImpactReport) -> dict[str, Any]:
    """Return the report as plain values."""
    return {
        **asdict(report),
        "verdict": verdict(report),
        "is_within": report.is_within,
        "breaking_count": report.breaking_count,
    }


def print_impact(report: ImpactReport, console: Console) -> None:
    """Print the report as tables; data is never markup."""
    console.print(Text(f"{report.before} -> {report.after}, bill date {report.bill_date}"))
    for change in report.seed_changes:
        where = f"  {change.file}:{change.line} {change.kind} {change.row}"
        console.print(Text(f"{where}: {change.text}" if change.text else where))
    for file in report.files:
        console.print(Text(f"  {file}"))
    console.print(Text(verdict(report), style="bold"))
    if note(report):
        console.print(Text(note(report)))
    for one in report.currencies:
        _print_currency(one, console)
    _print_validation(report, console)
    if report.currencies:
        console.print(Text(FOOTNOTE))
    if gate(report):
        console.print(Text(gate(report), style="bold" if report.is_within else "bold red"))


def _print_currency(one: CurrencyImpact, console: Console) -> None:
    places = one.minor_units
    rows = [
        (name, _amount(amount, places), "" if percent is None else f"{percent:,.2f} %")
        for name, amount, percent in (
            ("half of the moved bills move by at most", one.amounts.p50, one.percents.p50),
            ("95 % of them by at most", one.amounts.p95, one.percents.p95),
            ("the most", one.amounts.maximum, one.percents.maximum),
        )
    ]
    if one.accounts_moved:
        _table(
            console,
            "By how much bills move, with tax",
            ("", one.currency_code, "of the bill"),
            rows,
        )
    for title, revenue in revenue_tables(one):
        _table(
            console,
            f"{title}, {one.currency_code}",
            ("", "before", "after", "change", ""),
            [_revenue(row, places) for row in revenue],
        )
    if one.movers:
        _movers(console, "Largest moves", one.movers, places)
    if one.opposite:
        _movers(console, opposite_title(one), one.opposite, places)
    if one.breaking:
        _movers(console, "Beyond the limit", one.breaking[:BREAKING_SHOWN], places)
        if len(one.breaking) > BREAKING_SHOWN:
            console.print(Text(f"and {len(one.breaking) - BREAKING_SHOWN:,} more"))


def _movers(console: Console, title: str, movers: Sequence[AccountChange], places: int) -> None:
    columns = ("account, line", "tariff rows", "before", "after", "change", "")
    _table(console, f"{title}, {MOVERS_TAX}", columns, _accounts(movers, places))


def _accounts(movers: Sequence[AccountChange], places: int) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for mover in movers:
        rows.append(
            (
                mover.billing_account_id,
                "",
                _amount(mover.before_amount, places),
                _amount(mover.after_amount, places),
                _signed(mover.change, places),
                percent_text(mover.before_amount, mover.percent),
            )
        )
        for line, text in zip(mover.lines, line_texts(mover.lines), strict=True):
            same = line.source_before == line.source_after
            sources = f"{line.source_before or 'none'} -> {line.source_after or 'none'}"
            rows.append(
                (
                    f"  {text}",
                    line.source_after if same else sources,
                    _amount(line.before_amount, places),
                    _amount(line.after_amount, places),
                    _signed(line.change, places),
                    "",
                )
            )
    return rows


def _revenue(row: RevenueChange, places: int) -> tuple[str, ...]:
    return (
        row.label,
        _amount(row.before_amount, places),
        _amount(row.after_amount, places),
        _signed(row.change, places) if row.change else "",
        percent_text(row.before_amount, row.percent) if row.change else "",
    )


def _print_validation(report: ImpactReport, console: Console) -> None:
    if report.findings:
        _table(
            console,
            "Validation",
            ("account", "rule", "seen", ""),
            [
                (
                    one.billing_account_id,
                    one.rule_id,
                    one.seen,
                    "newly held" if one.is_new else "no longer held",
                )
                for one in report.findings
            ],
        )
    if report.outcomes:
        _table(
            console,
            "Accounts that end otherwise",
            ("before", "after", "accounts"),
            [
                (one.outcome_before, one.outcome_after, f"{one.account_count:,}")
                for one in report.outcomes
            ],
        )
    if report.suspended:
        _table(
            console,
            "Records without a price",
            ("reason", "before", "after"),
            [
                (one.reason, f"{one.before_count:,}", f"{one.after_count:,}")
                for one in report.suspended
            ],
        )


def _table(
    console: Console, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]
) -> None:
    table = Table(title=title, title_justify="left", header_style="bold")
    for number, column in enumerate(columns):
        is_figure = column in ("before", "after", "change", "accounts") or (
            number > 0 and (not column or column.isupper())
        )
        table.add_column(column, overflow="fold", justify="right" if is_figure else "left")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)


def _amount(value: Decimal | None, places: int) -> str:
    return "" if value is None else f"{value:,.{places}f}"


def _signed(value: Decimal, places: int) -> str:
    return f"{value:+,.{places}f}"
