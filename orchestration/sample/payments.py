"""Payments of issued invoices, as the bank reports them."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

from orchestration.sample.files import write_text
from orchestration.settings import Settings

COLUMNS = (
    "payment_id",
    "paid_date",
    "amount",
    "currency_code",
    "invoice_number",
    "payer_name",
)


@dataclass(frozen=True)
class InvoiceToPay:
    """One invoice that its customer may pay on `paid_date`."""

    invoice_number: str
    amount: Decimal
    currency_code: str
    paid_date: date
    payer_name: str


def paid_amount(invoice: InvoiceToPay, seed: int) -> Decimal:
    """Return what is paid: 85 % of invoices in full, 7 % in part, the rest not at all (0)."""
    if invoice.amount <= 0:
        return Decimal(0)
    digest = hashlib.sha256(f"{seed}|{invoice.invoice_number}".encode()).digest()
    chance = int.from_bytes(digest[:4], "big") % 100
    if chance < 85:
        return invoice.amount
    if chance < 92:
        share = Decimal(20 + digest[4] % 60) / 100
        return (invoice.amount * share).quantize(Decimal("0.01"), ROUND_HALF_UP)
    return Decimal(0)


def write_payments(
    settings: Settings, rows: Iterable[InvoiceToPay], seed: int = 7
) -> tuple[Path, ...]:
    """Write `inbox/payments/payments_<date>.csv` per paid date; equal input, equal bytes."""
    by_date: dict[date, list[tuple[str, ...]]] = {}
    for invoice in sorted(rows, key=lambda row: (row.paid_date, row.invoice_number)):
        amount = paid_amount(invoice, seed)
        if amount == 0:
            continue
        by_date.setdefault(invoice.paid_date, []).append(
            (
                f"PAY-{invoice.paid_date:%Y%m%d}-{invoice.invoice_number}",
                invoice.paid_date.isoformat(),
                f"{amount:f}",
                invoice.currency_code,
                invoice.invoice_number,
                invoice.payer_name,
            )
        )
    written = []
    for paid_date, payments in by_date.items():
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(payments)
        target = settings.inbox / "payments" / f"payments_{paid_date:%Y%m%d}.csv"
        write_text(target, buffer.getvalue())
        written.append(target)
    return tuple(written)
