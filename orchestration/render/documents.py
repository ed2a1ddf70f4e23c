"""From the marts to the dataclasses that the renderers take: one batch of invoices at a time.

Everything on a document was fixed when it was issued. Here rows are carried over and put into the
customer's language; nothing is computed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Literal

import duckdb

from orchestration.lib.warehouse import Row, read_rows
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

PAST_BILLS = 6
HUNDRED = Decimal(100)
TAX_NAMES = {("vat", "de"): "USt.", ("vat", "en"): "VAT"}
REVERSE_CHARGE = {
    "de": "Steuerschuldnerschaft des Leistungsempfängers (Reverse Charge)",
    "en": "Reverse charge: the recipient is liable for the tax",
}
CORRECTS = {"de": "Korrektur zur Rechnung", "en": "corrects invoice"}
EXEMPT = {"de": "Steuerbefreit", "en": "Exempt from tax"}
TAX_IN = {"de": "Steuerbetrag in", "en": "Tax in"}
BAND_NAMES = {
    "de": {"day": "Tag", "evening": "Abend", "night": "Nacht"},
    "en": {"day": "day", "evening": "evening", "night": "night"},
}

INVOICES = """
    select invoices.*, currencies.minor_units
    from marts.fct_invoices as invoices
    inner join seeds.currencies as currencies on invoices.currency_code = currencies.currency_code
    where list_contains($invoice_ids, invoices.invoice_id)
"""
LINES = """
    select *
    from marts.fct_invoice_lines
    where list_contains($invoice_ids, invoice_id)
    order by invoice_id, line_number
"""
TAXES = """
    select
        *,
        -- Of several taxes on the lines of a category, the first shows what is taxed.
        dense_rank() over (
            partition by invoice_id, tax_category
            order by taxable_amount > net_amount, tax_jurisdiction, tax_type
        ) > 1 as is_additional
    from marts.fct_invoice_taxes
    where list_contains($invoice_ids, invoice_id)
    order by invoice_id, tax_rate desc, tax_category, tax_jurisdiction, tax_type
"""
# An event that was computed again stands on each invoice with what that one charged of it.
USAGE = """
    with rerated as (
        select * from intermediate.int_usage__rerated
    ),
    charged as (
        select usage.*
        from marts.fct_rated_usage as usage
        anti join rerated on usage.event_id = rerated.event_id
        where usage.usage_status = 'billed' and usage.direction = 'outgoing'
        union all by name
        select usage.* replace (
            rerated.pass_id as pass_id,
            rerated.measured_units as measured_units,
            rerated.rated_amount as rated_amount
        )
        from marts.fct_rated_usage as usage
        inner join rerated on usage.event_id = rerated.event_id
        where
            usage.direction = 'outgoing'
            and (not rerated.is_correction or rerated.rated_amount <> 0)
    )
    select
        invoices.invoice_id,
        usage.subscription_id,
        usage.started_local,
        usage.service,
        usage.other_number,
        usage.time_band_id,
        usage.measured_units,
        usage.rated_amount,
        labels.zone_type,
        labels.zone_label_en,
        labels.zone_label_de,
        labels.country_name,
        labels.country_name_de
    from charged as usage
    inner join (select distinct invoice_id, pass_id, billing_account_id
                from marts.fct_invoice_lines
                where list_contains($invoice_ids, invoice_id)) as invoices
        on
            usage.pass_id = invoices.pass_id
            and usage.billing_account_id = invoices.billing_account_id
    left join staging.stg_issued__usage_labels as labels
        on
            usage.pass_id = labels.pass_id
            and usage.zone_id = labels.zone_id
            and usage.country_code is not distinct from labels.country_code
    order by usage.billing_account_id, usage.subscription_id, usage.started_at, usage.event_id
"""
PAST = """
    select
        invoices.invoice_id,
        past.total_amount,
        cast(past.bill_date - interval 1 day as date) as billed_month
    from intermediate.int_bills__past as past
    inner join marts.fct_invoices as invoices
        on
            past.billing_account_id = invoices.billing_account_id
            and past.bill_date < invoices.bill_date
    where list_contains($invoice_ids, invoices.invoice_id)
    qualify
        row_number() over (partition by invoices.invoice_id order by past.bill_date desc)
        <= $past_bills
    order by past.bill_date
"""


def read_invoices(
    warehouse: duckdb.DuckDBPyConnection, invoice_ids: Sequence[str]
) -> list[Invoice]:
    """Return issued invoices as the renderers take them, in the order of their ids."""
    ids = list(invoice_ids)
    named = {"invoice_ids": ids, "past_bills": PAST_BILLS}
    lines = _by_invoice(read_rows(warehouse, LINES, named))
    taxes = _by_invoice(read_rows(warehouse, TAXES, named))
    usage = _by_invoice(read_rows(warehouse, USAGE, named))
    past = _by_invoice(read_rows(warehouse, PAST, named))
    invoices = {row["invoice_id"]: row for row in read_rows(warehouse, INVOICES, named)}
    return [
        _invoice(invoices[one], lines[one], taxes[one], usage[one], past[one])
        for one in ids
        if one in invoices
    ]


def _by_invoice(rows: Sequence[Row]) -> defaultdict[str, list[Row]]:
    grouped: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row["invoice_id"]].append(row)
    return grouped


def _invoice(
    row: Row, lines: list[Row], taxes: list[Row], usage: list[Row], past: list[Row]
) -> Invoice:
    language = "de" if row["language"] == "de" else "en"
    return Invoice(
        document_type="invoice",
        number=row["invoice_number"],
        account_id=row["billing_account_id"],
        issue_date=row["issue_date"],
        tax_point_date=row["issue_date"],
        period_start=row["period_start"],
        period_end=row["period_end"],
        seller=_party(row, "seller"),
        buyer=_party(row, "buyer"),
        terms=PaymentTerms(
            due_date=row["due_date"],
            reference=row["invoice_number"],
            net_days=(row["due_date"] - row["issue_date"]).days,
        ),
        subscriptions=_subscriptions(lines, usage, language),
        taxes=tuple(
            TaxLine(
                name=TAX_NAMES.get((tax["tax_type"], language), tax["tax_type"].upper()),
                rate=tax["tax_rate"] * HUNDRED,
                taxable_amount=tax["taxable_amount"],
                tax_amount=tax["tax_amount"],
                is_additional=tax["is_additional"],
            )
            for tax in taxes
        ),
        net_amount=row["net_amount"],
        tax_amount=row["tax_amount"],
        total_amount=row["total_amount"],
        currency_code=row["currency_code"],
        minor_units=row["minor_units"],
        past_bills=tuple(
            PastBill(month=bill["billed_month"], total_amount=bill["total_amount"]) for bill in past
        ),
        language=language,
        notes=_notes(row, taxes, language),
    )


def _notes(row: Row, taxes: list[Row], language: str) -> tuple[str, ...]:
    """Return what the law wants said: why no tax is due, and the tax in the seller's currency."""
    reasons = {tax["exemption_reason"] for tax in taxes if tax["exemption_reason"]}
    notes = [REVERSE_CHARGE[language]] if "reverse charge" in reasons else []
    notes += [f"{EXEMPT[language]}: {one}" for one in sorted(reasons - {"reverse charge"})]
    if row["tax_currency_tax_amount"] is not None:
        notes.append(
            f"{TAX_IN[language]} {row['tax_currency_code']}: "
            f"{row['tax_currency_tax_amount'].normalize():f} "
            f"(1 {row['currency_code']} = {row['tax_exchange_rate'].normalize():f} "
            f"{row['tax_currency_code']})"
        )
    return tuple(notes)


def _party(row: Row, role: Literal["seller", "buyer"]) -> Party:
    own = {
        name.removeprefix(f"{role}_"): value
        for name, value in row.items()
        if name.startswith(f"{role}_")
    }
    return Party(
        name=own["name"],
        address=(own["street"], f"{own['postal_code']} {own['city']}"),
        country_code=own["country_code"],
        vat_number=own["vat_number"] or "",
        email=own["email"] or "",
        iban=own.get("iban") or "",
        bic=own.get("bic") or "",
        register_entry=own.get("register_entry") or "",
    )


def _subscriptions(lines: list[Row], usage: list[Row], language: str) -> tuple[Subscription, ...]:
    used: defaultdict[str | None, list[Row]] = defaultdict(list)
    for event in usage:
        used[event["subscription_id"]].append(event)
    # What belongs to the account has no subscription.
    grouped: dict[str | None, list[Row]] = {}
    for line in lines:
        grouped.setdefault(line["subscription_id"], []).append(line)
    return tuple(
        Subscription(
            label=f"+{own[0]['subscription_identifier']}"
            if own[0]["subscription_identifier"]
            else subscription_id or "",
            plan=own[0]["subscription_plan_name"] or "",
            lines=tuple(_line(line, language) for line in own),
            usage=tuple(
                _usage_line(line, language) for line in own if line["charge_type"] == "usage"
            ),
            itemised=tuple(
                itemised_usage(event, language) for event in used.get(subscription_id, ())
            ),
        )
        for subscription_id, own in grouped.items()
    )


def _line(line: Row, language: str) -> InvoiceLine:
    return InvoiceLine(
        charge_type=line["charge_type"],
        description=_description(line, language),
        period_start=line["period_start"],
        period_end=line["period_end"],
        tax_rate=(line["tax_rate"] or Decimal(0)) * HUNDRED,
        net_amount=line["net_amount"],
    )


def _description(line: Row, language: str) -> str:
    described: str = line[f"description_{language}"]
    corrected = line["corrected_invoice_number"]
    return f"{described} ({CORRECTS[language]} {corrected})" if corrected else described


def _usage_line(line: Row, language: str) -> UsageSummaryLine:
    return UsageSummaryLine(
        charge_code=line["charge_code"],
        description=_description(line, language),
        events=line["event_count"],
        unit=line["unit"],
        quantity=line["quantity"],
        free_quantity=line["free_quantity"],
        amount=line["net_amount"],
    )


def itemised_usage(event: Row, language: str) -> ItemisedUsage:
    """Return a row of `USAGE` as the itemisation of an invoice in `language` shows it.

    Abroad the country is named, at home the zone. Messages and content are counted.
    """
    units: dict[str, Literal["seconds", "bytes"]] = {"voice": "seconds", "data": "bytes"}
    country = event["country_name_de"] if language == "de" else event["country_name"]
    abroad = event["zone_type"] != "national" and country
    return ItemisedUsage(
        started_at=event["started_local"],
        service=event["service"],
        other_number=f"+{event['other_number']}" if event["other_number"] else "",
        destination=country if abroad else event[f"zone_label_{language}"] or "",
        band=BAND_NAMES[language].get(event["time_band_id"], event["time_band_id"] or ""),
        unit=units.get(event["service"], "events"),
        quantity=event["measured_units"],
        amount=event["rated_amount"],
    )
