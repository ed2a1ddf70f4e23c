"""Words, numbers, dates and quantities in the language of a document.

Two small dictionaries and a few functions, on purpose without Babel: a document that is rendered
again years later must come out byte for byte, and CLDR changes its spaces and short month names
between releases. A new language is one more entry in `_LANGUAGES`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

MINUS = "\N{MINUS SIGN}"
EN_DASH = "\N{EN DASH}"
NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True)
class Language:
    """One language: its separators, the order of a date and its catalogue of words."""

    code: str
    decimal_mark: str
    group_mark: str
    date_pattern: str
    day_pattern: str
    months: tuple[str, ...]
    words: dict[str, str]

    def word(self, key: str) -> str:
        """Return the catalogue's entry; an unknown key is our mistake and raises `KeyError`."""
        return self.words[key]

    def number(self, value: Decimal | int, places: int = 0) -> str:
        """Return the number with grouped thousands and `places` decimals, rounded half-up."""
        rounded = Decimal(value).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
        whole, _, fraction = f"{abs(rounded):,f}".partition(".")
        text = whole.replace(",", self.group_mark)
        if fraction:
            text += self.decimal_mark + fraction
        return f"{MINUS}{text}" if rounded < 0 else text

    def rate(self, percent: Decimal) -> str:
        """Return a rate in per cent without needless zeros: 19 %, 7.7 %."""
        places = max(0, -int(percent.normalize().as_tuple().exponent))
        return f"{self.number(percent, places)}{NO_BREAK_SPACE}%"

    def day(self, value: date) -> str:
        """Return a date: 01 Nov 2026, 01.11.2026."""
        return self.date_pattern.format(
            day=value.day, month=value.month, name=self.months[value.month - 1][:3], year=value.year
        )

    def moment(self, value: datetime) -> str:
        """Return day, month and time of an itemised record; the year stands in the heading."""
        name = self.months[value.month - 1][:3]
        day = self.day_pattern.format(day=value.day, month=value.month, name=name)
        return f"{day}{NO_BREAK_SPACE}{value:%H:%M:%S}"

    def month(self, value: date) -> str:
        """Return month and year: October 2026."""
        return f"{self.months[value.month - 1]} {value.year}"

    def month_short(self, value: date) -> str:
        """Return the short name of a month, for the axis of a chart."""
        return self.months[value.month - 1][:3]

    def period(self, start: date, end: date) -> str:
        """Return a half-open period by its first and its last day."""
        last = end - timedelta(days=1)
        return self.day(start) if last <= start else f"{self.day(start)} {EN_DASH} {self.day(last)}"

    def period_title(self, start: date, end: date) -> str:
        """Return the month when the period is exactly one calendar month, else its days."""
        next_month = (start.replace(day=28) + timedelta(days=4)).replace(day=1)
        whole = start.day == 1 and end == next_month
        return self.month(start) if whole else self.period(start, end)

    def quantity(self, value: int, unit: str) -> str:
        """Return seconds as h:mm:ss, bytes in kB, MB or GB of 1,024 each, and a count as it is."""
        if unit == "seconds":
            return f"{value // 3600}:{value // 60 % 60:02}:{value % 60:02}"
        if unit == "bytes":
            return self._bytes(value)
        return self.number(value)

    def _bytes(self, value: int) -> str:
        for power, name in ((30, "GB"), (20, "MB")):
            if value >= 2**power:
                return f"{self.number(Decimal(value) / 2**power, 2)}{NO_BREAK_SPACE}{name}"
        return f"{self.number(Decimal(value) / 2**10, 1)}{NO_BREAK_SPACE}kB"


_ENGLISH = {
    "invoice": "Invoice",
    "credit_note": "Credit note",
    "invoice_for": "Your invoice for",
    "credit_note_for": "Your credit note for",
    "number": "Document number",
    "account": "Account",
    "issue_date": "Date of issue",
    "tax_point_date": "Tax point",
    "due_date": "Payment due",
    "period": "Billing period",
    "original": "Corrects invoice",
    "customer_vat": "Your VAT number",
    "summary": "Summary",
    "recurring": "Monthly charges",
    "usage": "Usage",
    "one_off": "One-off charges",
    "discount": "Discounts",
    "cap": "Caps",
    "minimum": "Minimum charge",
    "coupon": "Coupons",
    "fee": "Fees and surcharges",
    "credit": "Credits",
    "adjustment": "Adjustments",
    "net_total": "Net amount",
    "on": "on",
    "amount_due": "Amount due",
    "amount_credited": "Amount credited",
    "nothing_due": "Nothing to pay",
    "by": "by",
    "history": "Your last bills",
    "history_text": "Amounts including tax of earlier bills and of this one",
    "charges": "Charges",
    "description": "Description",
    "line_period": "Period",
    "quantity": "Quantity",
    "tax_rate": "Tax",
    "amount": "Amount",
    "subtotal": "Subtotal",
    "account_charges": "Account",
    "taxes": "Tax breakdown",
    "tax": "Tax",
    "taxable": "Taxable amount",
    "tax_amount": "Tax amount",
    "gross": "Amount including tax",
    "usage_summary": "Usage summary",
    "service": "Service",
    "events": "Number",
    "free": "Of which free",
    "itemised": "Itemised usage",
    "itemised_hint": (
        "Local times. Net amounts, not yet rounded to the invoice line. 1 MB = 1,024 kB"
    ),
    "time": "Date and time",
    "other_number": "Number",
    "destination": "Destination",
    "band": "Rate",
    "voice": "Call",
    "sms": "SMS",
    "mms": "MMS",
    "data": "Data",
    "content": "Content",
    "page": "Page",
    "of": "of",
    "payment": "Payment",
    "slip": "Payment by bank transfer",
    "scan": "Scan with your banking app",
    "payee": "Payee",
    "iban": "IBAN",
    "bic": "BIC",
    "reference": "Reference",
    "terms": "Please transfer {amount} by {date}, quoting the reference. No deduction is granted.",
    "terms_days": (
        "Please transfer {amount} within {days} days, by {date}, quoting the reference. "
        "No deduction is granted."
    ),
    "terms_credit": "We credit {amount} to your account {account}. You need not do anything.",
    "terms_zero": "There is nothing to pay for this period.",
    "questions": "Questions about this document? Write to",
    "vat_number": "VAT number",
    "no_lines": "No charges in this period.",
    "this_bill": "this bill",
}

_GERMAN = {
    "invoice": "Rechnung",
    "credit_note": "Rechnungskorrektur",
    "invoice_for": "Ihre Rechnung für",
    "credit_note_for": "Ihre Rechnungskorrektur für",
    "number": "Belegnummer",
    "account": "Kundenkonto",
    "issue_date": "Rechnungsdatum",
    "tax_point_date": "Steuerfälligkeit",
    "due_date": "Fällig am",
    "period": "Abrechnungszeitraum",
    "original": "Berichtigt Rechnung",
    "customer_vat": "Ihre USt-IdNr.",
    "summary": "Übersicht",
    "recurring": "Monatliche Entgelte",
    "usage": "Nutzung",
    "one_off": "Einmalige Entgelte",
    "discount": "Rabatte",
    "cap": "Höchstbeträge",
    "minimum": "Mindestumsatz",
    "coupon": "Gutscheine",
    "fee": "Gebühren und Zuschläge",
    "credit": "Gutschriften",
    "adjustment": "Korrekturen",
    "net_total": "Nettobetrag",
    "on": "auf",
    "amount_due": "Zu zahlen",
    "amount_credited": "Gutgeschrieben",
    "nothing_due": "Nichts zu zahlen",
    "by": "bis",
    "history": "Ihre letzten Rechnungen",
    "history_text": "Bruttobeträge der früheren Rechnungen und dieser Rechnung",
    "charges": "Entgelte",
    "description": "Beschreibung",
    "line_period": "Zeitraum",
    "quantity": "Menge",
    "tax_rate": "USt.",
    "amount": "Betrag",
    "subtotal": "Zwischensumme",
    "account_charges": "Kundenkonto",
    "taxes": "Umsatzsteuer",
    "tax": "Steuer",
    "taxable": "Nettobetrag",
    "tax_amount": "Steuerbetrag",
    "gross": "Bruttobetrag",
    "usage_summary": "Nutzungsübersicht",
    "service": "Leistung",
    "events": "Anzahl",
    "free": "Davon frei",
    "itemised": "Einzelverbindungsnachweis",
    "itemised_hint": (
        "Ortszeit. Nettobeträge, noch nicht auf die Rechnungsposition gerundet. 1 MB = 1.024 kB"
    ),
    "time": "Datum und Zeit",
    "other_number": "Rufnummer",
    "destination": "Ziel",
    "band": "Tarif",
    "voice": "Anruf",
    "sms": "SMS",
    "mms": "MMS",
    "data": "Daten",
    "content": "Inhalt",
    "page": "Seite",
    "of": "von",
    "payment": "Zahlung",
    "slip": "Zahlung per Überweisung",
    "scan": "Mit der Banking-App scannen",
    "payee": "Empfänger",
    "iban": "IBAN",
    "bic": "BIC",
    "reference": "Verwendungszweck",
    "terms": (
        "Bitte überweisen Sie {amount} bis {date} ohne Abzug unter Angabe des Verwendungszwecks."
    ),
    "terms_days": (
        "Bitte überweisen Sie {amount} innerhalb von {days} Tagen, bis {date}, ohne Abzug unter "
        "Angabe des Verwendungszwecks."
    ),
    "terms_credit": "Wir schreiben {amount} Ihrem Kundenkonto {account} gut.",
    "terms_zero": "Für diesen Zeitraum ist nichts zu zahlen.",
    "questions": "Fragen zu diesem Beleg? Schreiben Sie an",
    "vat_number": "USt-IdNr.",
    "no_lines": "Keine Entgelte in diesem Zeitraum.",
    "this_bill": "diese Rechnung",
}

_ENGLISH_MONTHS = (
    "January February March April May June July August September October November December"
)
_GERMAN_MONTHS = (
    "Januar Februar März April Mai Juni Juli August September Oktober November Dezember"
)

_LANGUAGES = {
    "en": Language(
        code="en",
        decimal_mark=".",
        group_mark=",",
        date_pattern="{day:02} {name} {year}",
        day_pattern="{day:02} {name}",
        months=tuple(_ENGLISH_MONTHS.split()),
        words=_ENGLISH,
    ),
    "de": Language(
        code="de",
        decimal_mark=",",
        group_mark=".",
        date_pattern="{day:02}.{month:02}.{year}",
        day_pattern="{day:02}.{month:02}.",
        months=tuple(_GERMAN_MONTHS.split()),
        words=_GERMAN,
    ),
}
LANGUAGES = tuple(sorted(_LANGUAGES))


def language(code: str) -> Language:
    """Return the language of a code such as `de` or `de-DE`; an unknown one is English."""
    return _LANGUAGES.get(code.split("-")[0].lower(), _LANGUAGES["en"])
