"""Figures and numbers as a person reads them in a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

MASKED_DIGITS = 3
# What the units of a service are.
UNITS = {"voice": "s", "data": "bytes", "sms": "records", "mms": "records", "content": "records"}


def counted(count: int, noun: str) -> str:
    """Return a count with its noun: 1 record, 2 records."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def plain(amount: Decimal, places: int = 2) -> str:
    """Return an exact decimal without needless zeros, with at least `places` decimals."""
    exact = -int(amount.normalize().as_tuple().exponent)
    return f"{amount:,.{max(places, exact)}f}"


def masked(number: str | None) -> str:
    """Return a telephone number without its last digits, as on an itemised bill; empty for none."""
    if not number:
        return ""
    return f"+{number[:-MASKED_DIGITS]}{'x' * min(MASKED_DIGITS, len(number))}"


def table(rows: Sequence[Sequence[str]], indent: str = "  ") -> list[str]:
    """Return rows as lines with aligned columns."""
    if not rows:
        return [f"{indent}none"]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        indent
        + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def suspended_text(suspended: dict[str, int]) -> str:
    """Say how many records are suspended, why, and where they are listed; empty for none."""
    if not suspended:
        return ""
    count = sum(suspended.values())
    reasons = ", ".join(f"{number:,} {reason}" for reason, number in suspended.items())
    return (
        f"  {counted(count, 'record')} suspended: {reasons} (marts.fct_suspended_usage, "
        "once the marts are built)"
    )
