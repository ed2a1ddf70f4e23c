"""A made-up invoice and a made-up report that the tests of the renderers share."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from renderers.invoice import (
    Invoice,
    InvoiceLine,
    ItemisedUsage,
    Party,
    PastBill,
    PaymentTerms,
    Subscription,
    TaxLine,
    UsageSummaryLine,
)
from renderers.report import (
    Ageing,
    BillPass,
    ControlTotal,
    CycleReport,
    Delivery,
    Exceptions,
    Fate,
    HeldAccount,
    HeldByRule,
    Kpi,
    PaymentStatus,
    RefusedFile,
    Revenue,
)
from renderers.report import TaxTotal as ReportTax

OCTOBER = (date(2026, 10, 1), date(2026, 11, 1))
NOVEMBER = (date(2026, 11, 1), date(2026, 12, 1))
NINETEEN = Decimal(19)

SELLER = Party(
    name="Nordwind Mobil GmbH",
    address=("Hafenstraße 12", "24103 Kiel"),
    country_code="DE",
    vat_number="DE123456788",
    email="billing@nordwind.example",
    iban="DE02 1203 0000 0000 2020 51",
    bic="BYLADEM1001",
    register_entry="Amtsgericht Kiel HRB 00000 KI",
)


def calls(count: int) -> tuple[ItemisedUsage, ...]:
    """Voice, SMS and data in turn, two hours apart."""
    kinds = (
        ("voice", "+4915112345678", "Deutschland", "Tag", "seconds", 726, "2.0570"),
        ("voice", "+33612345678", "Frankreich", "International", "seconds", 66, "0.2970"),
        ("sms", "+4915112345678", "Deutschland", "", "events", 1, "0.0900"),
        ("data", "", "Deutschland", "", "bytes", 3 * 2**20, "0"),
    )
    start = datetime(2026, 10, 1, 6, 30, 5, tzinfo=UTC)
    rows = ((start + timedelta(hours=2 * n), kinds[n % len(kinds)]) for n in range(count))
    return tuple(
        ItemisedUsage(at, service, number, place, band, unit, quantity, Decimal(amount))  # type: ignore[arg-type]
        for at, (service, number, place, band, unit, quantity, amount) in rows
    )


def invoice(call_count: int = 8, **changes: Any) -> Invoice:
    """An invoice of 100.00 net, 19.00 VAT."""
    lines = (
        InvoiceLine("recurring", "Flat M", *NOVEMBER, NINETEEN, Decimal("39.95"), "1 Monat"),
        InvoiceLine("usage", "Inlandsgespräche", *OCTOBER, NINETEEN, Decimal("62.05"), "4:25:06"),
        InvoiceLine("discount", "Treuerabatt", *NOVEMBER, NINETEEN, Decimal("-2.00")),
    )
    usage = (
        UsageSummaryLine(
            "voice_day", "Inlandsgespräche", 110, "seconds", 15906, 600, Decimal("62.05")
        ),
        UsageSummaryLine("data_national", "Daten", 64, "bytes", 2**31, 2**31, Decimal(0)),
    )
    made = Invoice(
        document_type="invoice",
        number="NW-2026-000123",
        account_id="A-100042",
        issue_date=date(2026, 11, 1),
        tax_point_date=date(2026, 11, 1),
        period_start=OCTOBER[0],
        period_end=OCTOBER[1],
        seller=SELLER,
        buyer=Party("Zoë Ångström-Müller", ("Straße des 17. Juni 135", "10623 Berlin"), "DE"),
        terms=PaymentTerms(date(2026, 11, 21), "NW-2026-000123 A-100042", 20),
        subscriptions=(
            Subscription("+49 151 23456789", "Flat M", lines, usage, calls(call_count)),
        ),
        taxes=(TaxLine("USt.", NINETEEN, Decimal("100.00"), Decimal("19.00")),),
        net_amount=Decimal("100.00"),
        tax_amount=Decimal("19.00"),
        total_amount=Decimal("119.00"),
        currency_code="EUR",
        past_bills=tuple(
            PastBill(date(2026, month, 1), Decimal(80 + 7 * (month % 4))) for month in range(3, 10)
        ),
        language="de",
    )
    return replace(made, **changes)


def credit_note() -> Invoice:
    """The sample invoice credited in full."""
    whole = invoice(0)
    part = whole.subscriptions[0]
    line = replace(part.lines[1], charge_type="credit", net_amount=Decimal("-100.00"))
    tax = TaxLine("VAT", NINETEEN, Decimal("-100.00"), Decimal("-19.00"))
    return replace(
        whole,
        document_type="credit_note",
        number="NW-2026-000124",
        original_number=whole.number,
        subscriptions=(replace(part, lines=(line,), usage=()),),
        taxes=(tax,),
        net_amount=Decimal("-100.00"),
        tax_amount=Decimal("-19.00"),
        total_amount=Decimal("-119.00"),
        language="en",
    )


def report(**changes: Any) -> CycleReport:
    """A report whose control totals agree."""
    made = CycleReport(
        legal_entity="Nordwind Mobil GmbH",
        bill_run_id="nordwind:monthly_1:2026-11-01",
        bill_date=date(2026, 11, 1),
        period_start=OCTOBER[0],
        period_end=OCTOBER[1],
        generated_at=datetime(2026, 11, 2, 9, 12, tzinfo=UTC),
        currency_code="EUR",
        minor_units=2,
        accounts_due=5000,
        documents_issued=4962,
        accounts_held=36,
        accounts_without_charge=2,
        accounts_carried_forward=0,
        held_amount=Decimal("8800.10"),
        net_amount=Decimal("341205.17"),
        tax_amount=Decimal("64828.98"),
        total_amount=Decimal("406034.15"),
        passes=(
            BillPass("main 1", "reported", date(2026, 11, 1), 5000, 4962, Decimal("406034.15")),
        ),
        revenue_by_charge_type=(
            Revenue("Recurring", 9923, Decimal("354605.17")),
            Revenue("Discounts", 1200, Decimal("-13400.00")),
        ),
        revenue_by_plan=(Revenue("Flat M", 4962, Decimal("341205.17")),),
        taxes=(ReportTax("VAT", NINETEEN, Decimal("341205.17"), Decimal("64828.98")),),
        held_by_rule=(HeldByRule("usage_spike", "Far above average", 36, Decimal("9120.44")),),
        held_accounts=tuple(
            HeldAccount(f"A-{n}", "usage_spike", "4 times the average", Decimal(n), Decimal(2 * n))
            for n in range(36)
        ),
        suspense=(Exceptions("unknown_number", 412, Decimal("31.40")),),
        rejected=(Exceptions("negative_duration", 3),),
        refused_files=(RefusedFile("usage_msc01.csv", "usage", "line 1: wrong header"),),
        unmatched_payments=(Exceptions("unknown invoice", 1, Decimal("12.00")),),
        fates=(
            Fate(
                "Records read",
                "records",
                "read",
                Decimal(1520431),
                (
                    ("accepted", Decimal(1519428)),
                    ("duplicate", Decimal(1000)),
                    ("rejected", Decimal(3)),
                ),
            ),
            Fate(
                "Rated amount",
                "amount",
                "rated",
                Decimal("225103.071200"),
                (("billed", Decimal("222000.071200")), ("held", Decimal("3103"))),
            ),
        ),
        control_totals=(
            ControlTotal(
                "issue",
                "lines = net of invoices",
                "main 1",
                "amount",
                Decimal("341205.17"),
                Decimal("341205.17"),
                Decimal(0),
                True,
            ),
        ),
        deliveries=(Delivery("email", 3950, accepted=3940, failed=10),),
        payments=(
            PaymentStatus(
                "Paid", 2100, Decimal("170000.10"), Decimal("170000.10"), Decimal("0.00")
            ),
        ),
        ageing=(Ageing("Not due", 2800, Decimal("230000.00")),),
        kpis=(
            Kpi("Billing accuracy", Decimal("99.97"), "percent"),
            Kpi("DSO", Decimal("27.4"), "days"),
            Kpi("On-time delivery", None, "percent", "no receipts yet"),
        ),
        past_runs=(PastBill(date(2026, 9, 1), Decimal(404410)),),
    )
    return replace(made, **changes)
