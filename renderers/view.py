"""An invoice as the words that stand on it: every figure formatted, nothing left to decide.

Both templates read the same `view`, so the screen and the paper cannot say different things.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from itertools import groupby
from typing import Any

from renderers import epc_qr
from renderers.charts import Bar, column_chart
from renderers.invoice import (
    ZERO,
    Invoice,
    InvoiceLine,
    ItemisedUsage,
    RenderError,
    Subscription,
    UsageSummaryLine,
)
from renderers.language import EN_DASH, Language, language
from renderers.palette import COLOURS

CHARGE_ORDER = (
    "recurring",
    "usage",
    "one_off",
    "discount",
    "cap",
    "minimum",
    "coupon",
    "fee",
    "credit",
    "adjustment",
)
SERVICES = ("voice", "sms", "mms", "data", "content")
_BREAKS = re.compile(r"[\t\r\n]+")
PAST_BILLS_SHOWN = 6
# Rated amounts keep six decimals; most tariffs need four, and four are easier to read.
ITEMISED_PLACES = (4, 6)


def invoice_view(invoice: Invoice) -> dict[str, Any]:
    """Return what the templates show. `qr_text` is empty where no payment code belongs."""
    words = language(invoice.language)
    return {
        "lang": words.code,
        "t": words.words,
        "colour": COLOURS,
        "title": _title(invoice, words),
        "kind": words.word(invoice.document_type),
        "number": invoice.number,
        "account": invoice.account_id,
        "seller": _seller(invoice, words),
        "buyer": (invoice.buyer.name, *invoice.buyer.address),
        "facts": _facts(invoice, words),
        "currency": invoice.currency_code,
        "summary": _summary(invoice, words),
        "net": _money(invoice, words, invoice.net_amount),
        "tax": _money(invoice, words, invoice.tax_amount),
        "total": _money(invoice, words, invoice.total_amount),
        "total_label": _total_label(invoice, words),
        "terms": _terms(invoice, words),
        "due": words.day(invoice.terms.due_date),
        "is_payable": _is_payable(invoice),
        "reference": invoice.terms.reference,
        "qr_text": _qr_text(invoice),
        "chart": _chart(invoice, words),
        "sections": [_section(invoice, words, part) for part in invoice.subscriptions],
        "has_usage": any(part.usage for part in invoice.subscriptions),
        "has_itemised": invoice.itemised_count > 0,
        "taxes": [
            {
                "name": f"{tax.name} {words.rate(tax.rate)}",
                "taxable": _money(invoice, words, tax.taxable_amount),
                "tax": _money(invoice, words, tax.tax_amount),
                "gross": _money(invoice, words, tax.taxable_amount + tax.tax_amount),
            }
            for tax in invoice.taxes
        ],
        "notes": invoice.notes,
    }


def _is_payable(invoice: Invoice) -> bool:
    return invoice.document_type == "invoice" and invoice.total_amount > 0


def _money(invoice: Invoice, words: Language, amount: Decimal) -> str:
    return words.number(amount, invoice.minor_units)


def _with_currency(invoice: Invoice, words: Language, amount: Decimal) -> str:
    return f"{_money(invoice, words, amount)}\N{NO-BREAK SPACE}{invoice.currency_code}"


def _title(invoice: Invoice, words: Language) -> str:
    period = words.period_title(invoice.period_start, invoice.period_end)
    return f"{words.word(f'{invoice.document_type}_for')} {period}"


def _total_label(invoice: Invoice, words: Language) -> str:
    if _is_payable(invoice):
        return words.word("amount_due")
    return words.word("amount_credited" if invoice.total_amount < 0 else "nothing_due")


def _seller(invoice: Invoice, words: Language) -> dict[str, Any]:
    seller = invoice.seller
    iban = "".join(seller.iban.split())
    vat = f"{words.word('vat_number')} {seller.vat_number}" if seller.vat_number else ""
    return {
        "name": seller.name,
        "address": seller.address,
        "return_line": " · ".join((seller.name, *seller.address)),
        "contact_line": " · ".join(
            text for text in (seller.name, *seller.address, seller.phone, seller.email) if text
        ),
        "email": seller.email,
        "phone": seller.phone,
        "iban": " ".join(iban[start : start + 4] for start in range(0, len(iban), 4)),
        "bic": seller.bic,
        "legal": " · ".join(part for part in (seller.register_entry, vat) if part),
    }


def _facts(invoice: Invoice, words: Language) -> list[tuple[str, str]]:
    facts = [
        ("number", invoice.number),
        ("account", invoice.account_id),
        ("issue_date", words.day(invoice.issue_date)),
        ("period", words.period(invoice.period_start, invoice.period_end)),
        ("tax_point_date", words.day(invoice.tax_point_date)),
        ("original", invoice.original_number),
        ("customer_vat", invoice.buyer.vat_number),
    ]
    return [(words.word(key), value) for key, value in facts if value]


def _summary(invoice: Invoice, words: Language) -> list[tuple[str, str]]:
    """Return the net amount by type of charge, so that the first page always fits."""
    totals: dict[str, Decimal] = {}
    for line in invoice.lines:
        totals[line.charge_type] = totals.get(line.charge_type, ZERO) + line.net_amount
    ordered = sorted(totals, key=CHARGE_ORDER.index)
    return [(words.word(key), _money(invoice, words, totals[key])) for key in ordered]


def _terms(invoice: Invoice, words: Language) -> str:
    amount = _with_currency(invoice, words, abs(invoice.total_amount))
    if _is_payable(invoice):
        key = "terms_days" if invoice.terms.net_days else "terms"
        due = words.day(invoice.terms.due_date)
        return words.word(key).format(amount=amount, date=due, days=invoice.terms.net_days)
    if invoice.total_amount < 0:
        return words.word("terms_credit").format(amount=amount, account=invoice.account_id)
    return words.word("terms_zero")


def _qr_text(invoice: Invoice) -> str:
    """Return the payload of the payment code: EUR transfers to an IBAN only."""
    if not (_is_payable(invoice) and invoice.currency_code == "EUR" and invoice.seller.iban):
        return ""
    try:
        return epc_qr.payload(
            name=invoice.seller.name,
            iban=invoice.seller.iban,
            bic=invoice.seller.bic,
            amount=invoice.total_amount,
            remittance=invoice.terms.reference,
        )
    except epc_qr.EpcError as error:
        raise RenderError(f"document {invoice.number}: payment code: {error}") from error


def _chart(invoice: Invoice, words: Language) -> str:
    """Return the bars of the last bills and of this one; nothing to compare gives no chart."""
    past = sorted(invoice.past_bills, key=lambda bill: bill.month)[-PAST_BILLS_SHOWN:]
    if not past or invoice.document_type != "invoice":
        return ""
    bills = [(bill.month, bill.total_amount) for bill in past]
    bills.append((invoice.period_start, invoice.total_amount))
    bars = [
        Bar(
            label=words.month_short(month),
            value=amount,
            text=_money(invoice, words, amount),
            is_highlighted=index == len(past),
        )
        for index, (month, amount) in enumerate(bills)
    ]
    described = ", ".join(
        f"{words.month(month)} {_with_currency(invoice, words, amount)}" for month, amount in bills
    )
    return column_chart(
        bars,
        title=words.word("history"),
        description=f"{words.word('history_text')}: {described}",
        width=232,
        height=104,
    )


def _section(invoice: Invoice, words: Language, part: Subscription) -> dict[str, Any]:
    places = _itemised_places(part.itemised)
    heading = " · ".join(text for text in (part.label, part.plan) if text)
    subtotal = sum((line.net_amount for line in part.lines), ZERO)
    return {
        "label": heading or words.word("account_charges"),
        "lines": [_line(invoice, words, line) for line in part.lines],
        "subtotal": _money(invoice, words, subtotal),
        "usage": [_usage(invoice, words, line) for line in part.usage],
        "itemised": [_itemised(words, record, places) for record in part.itemised],
        "itemised_period": _itemised_period(words, part.itemised),
        "itemised_total": words.number(
            sum((record.amount for record in part.itemised), ZERO), places
        ),
    }


def _line(invoice: Invoice, words: Language, line: InvoiceLine) -> dict[str, str]:
    return {
        "description": line.description,
        "period": words.period(line.period_start, line.period_end),
        "quantity": line.quantity,
        "rate": words.rate(line.tax_rate),
        "amount": _money(invoice, words, line.net_amount),
    }


def _usage(invoice: Invoice, words: Language, line: UsageSummaryLine) -> dict[str, str]:
    free = words.quantity(line.free_quantity, line.unit) if line.free_quantity else EN_DASH
    return {
        "description": line.description,
        "events": words.number(line.events),
        "quantity": words.quantity(line.quantity, line.unit),
        "free": free,
        "amount": _money(invoice, words, line.amount),
    }


def _itemised(words: Language, record: ItemisedUsage, places: int) -> tuple[str, ...]:
    """Return the cells of one record in the order of the columns."""
    cells = (
        words.moment(record.started_at),
        words.word(record.service) if record.service in SERVICES else record.service,
        record.other_number or EN_DASH,
        record.destination,
        record.band,
        words.quantity(record.quantity, record.unit),
        words.number(record.amount, places),
    )
    return tuple(_BREAKS.sub(" ", cell) for cell in cells)


def _itemised_places(records: Iterable[ItemisedUsage]) -> int:
    few, many = ITEMISED_PLACES
    exact = all(record.amount == round(record.amount, few) for record in records)
    return few if exact else many


def _itemised_period(words: Language, records: tuple[ItemisedUsage, ...]) -> str:
    months = sorted({(record.started_at.year, record.started_at.month) for record in records})
    years = [
        (year, [month for _, month in group]) for year, group in groupby(months, lambda m: m[0])
    ]
    return ", ".join(
        f"{' / '.join(words.months[month - 1] for month in numbers)} {year}"
        for year, numbers in years
    )
