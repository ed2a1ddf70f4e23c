"""What an invoice says: frozen dataclasses, filled by the caller, never computed here.

Amounts are `Decimal` in `currency_code`, already rounded; periods are half-open (`period_end` is
the first day that is *not* covered). The renderers format and lay out, and `check_invoice` refuses
a document whose figures do not add up: the last guard before paper.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

DocumentType = Literal["invoice", "credit_note"]
ChargeType = Literal[
    "recurring",
    "usage",
    "one_off",
    "fee",
    "discount",
    "cap",
    "minimum",
    "coupon",
    "credit",
    "adjustment",
]
Unit = Literal["seconds", "bytes", "events"]

ZERO = Decimal(0)


class RenderError(ValueError):
    """One document cannot be rendered. The message names the document and the reason."""


@dataclass(frozen=True)
class Party:
    """A seller or a buyer. The bank fields are the seller's; `register_entry` is free text."""

    name: str
    address: tuple[str, ...]
    country_code: str = ""
    vat_number: str = ""
    email: str = ""
    phone: str = ""
    iban: str = ""
    bic: str = ""
    register_entry: str = ""


@dataclass(frozen=True)
class PaymentTerms:
    """When and with which reference the amount is to be paid. `reference` goes into the QR code."""

    due_date: date
    reference: str
    net_days: int = 0


@dataclass(frozen=True)
class InvoiceLine:
    """One billed line, with its own period. `tax_rate` is in per cent (19 for 19 %)."""

    charge_type: ChargeType
    description: str
    period_start: date
    period_end: date
    tax_rate: Decimal
    net_amount: Decimal
    quantity: str = ""


@dataclass(frozen=True)
class UsageSummaryLine:
    """The usage of one charge code: events, measured and free quantity in `unit`, amount."""

    charge_code: str
    description: str
    events: int
    unit: Unit
    quantity: int
    free_quantity: int
    amount: Decimal


@dataclass(frozen=True)
class ItemisedUsage:
    """One call, message or session. `started_at` is the local time to print, as it is to print."""

    started_at: datetime
    service: str
    other_number: str
    destination: str
    band: str
    unit: Unit
    quantity: int
    amount: Decimal


@dataclass(frozen=True)
class Subscription:
    """What one subscription is billed. An empty `label` holds what belongs to the account."""

    label: str
    plan: str = ""
    lines: tuple[InvoiceLine, ...] = ()
    usage: tuple[UsageSummaryLine, ...] = ()
    itemised: tuple[ItemisedUsage, ...] = ()


@dataclass(frozen=True)
class TaxLine:
    """One row of the tax breakdown; `rate` in per cent.

    `is_additional`: on amounts that another row taxes too (a second tax on the same lines).
    """

    name: str
    rate: Decimal
    taxable_amount: Decimal
    tax_amount: Decimal
    is_additional: bool = False


@dataclass(frozen=True)
class PastBill:
    """One earlier bill for the chart. `month` is any day of the month it is labelled with."""

    month: date
    total_amount: Decimal


@dataclass(frozen=True)
class Invoice:
    """One invoice or credit note, complete: everything that the page shows is in here."""

    document_type: DocumentType
    number: str
    account_id: str
    issue_date: date
    tax_point_date: date
    period_start: date
    period_end: date
    seller: Party
    buyer: Party
    terms: PaymentTerms
    subscriptions: tuple[Subscription, ...]
    taxes: tuple[TaxLine, ...]
    net_amount: Decimal
    tax_amount: Decimal
    total_amount: Decimal
    currency_code: str
    minor_units: int = 2
    past_bills: tuple[PastBill, ...] = ()
    language: str = "en"
    original_number: str = ""
    notes: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[InvoiceLine, ...]:
        """Every billed line, in the order of the subscriptions."""
        return tuple(line for subscription in self.subscriptions for line in subscription.lines)

    @property
    def itemised_count(self) -> int:
        """How many itemised records the document prints."""
        return sum(len(subscription.itemised) for subscription in self.subscriptions)


def check_invoice(invoice: Invoice) -> None:
    """Raise `RenderError` unless the figures add up and every amount is an exact `Decimal`."""
    for name in _inexact_amounts(invoice, invoice.number):
        raise RenderError(f"document {invoice.number}: {name} is not a finite Decimal")
    claims = (
        ("lines", sum((line.net_amount for line in invoice.lines), ZERO), invoice.net_amount),
        (
            "taxable amounts",
            sum((t.taxable_amount for t in invoice.taxes if not t.is_additional), ZERO),
            invoice.net_amount,
        ),
        ("tax amounts", sum((t.tax_amount for t in invoice.taxes), ZERO), invoice.tax_amount),
        ("net and tax", invoice.net_amount + invoice.tax_amount, invoice.total_amount),
    )
    for what, found, stated in claims:
        if found != stated:
            raise RenderError(
                f"document {invoice.number}: {what} sum to {found}, the document states {stated}"
            )


def _inexact_amounts(value: object, path: str) -> list[str]:
    """Return the paths of the fields that should hold an exact amount and do not."""
    if isinstance(value, float) or (isinstance(value, Decimal) and not value.is_finite()):
        return [path]
    if isinstance(value, tuple):
        return [bad for item in value for bad in _inexact_amounts(item, path)]
    if not is_dataclass(value):
        return []
    found = []
    for field in fields(value):
        child = getattr(value, field.name)
        if field.type == "Decimal" and not isinstance(child, Decimal):
            found.append(field.name)
        else:
            found += _inexact_amounts(child, field.name)
    return found
