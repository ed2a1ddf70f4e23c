"""What every engine that rates the common benchmark must agree on, before any time is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any


@dataclass(frozen=True)
class Totals:
    """What every engine must agree on, of events after their copies; amounts in EUR.

    `checksum` is the sum of each invoice's cents times its number mod 1009, mod 1,000,000,007: it
    differs where equal sums are of unequal invoices.
    """

    events: int
    suspended: int
    free_units: int
    rated_amount: Decimal
    invoices: int
    net_amount: Decimal
    first_tax_amount: Decimal
    second_tax_amount: Decimal
    total_amount: Decimal
    checksum: int

    @classmethod
    def from_texts(cls, texts: Mapping[str, Any]) -> Totals:
        """Read what a process of its own answered: whole numbers, and amounts as text."""
        values: dict[str, Any] = {
            one.name: texts[one.name] if one.type == "int" else Decimal(texts[one.name])
            for one in fields(cls)
        }
        return cls(**values)
