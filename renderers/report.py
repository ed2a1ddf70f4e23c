"""The report of a bill date for finance: dataclasses in, one self-contained HTML page out.

The page has one section per bill run and currency, each a `CycleReport`.

Amounts are `Decimal` in the report's currency. The page names accounts by their id only: nothing
here has a field for a person's name or number. Shares and differences are the only arithmetic;
every other figure is printed as the warehouse gives it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from markupsafe import Markup

from renderers import templating
from renderers.charts import Bar, column_chart, letter_mark, row_chart
from renderers.invoice import ZERO, PastBill
from renderers.language import EN_DASH, Language, language
from renderers.palette import COLOURS

KpiUnit = Literal["percent", "days", "count", "amount", "per_hour", "seconds"]
ControlUnit = Literal["records", "seconds", "bytes", "amount", "documents", "accounts"]

HELD_ACCOUNTS_SHOWN = 15


@dataclass(frozen=True)
class Revenue:
    """Net revenue of one charge type, charge, plan or region, and how many lines made it."""

    label: str
    count: int
    net_amount: Decimal


@dataclass(frozen=True)
class TaxTotal:
    """One row of the tax summary; `rate` in per cent."""

    name: str
    rate: Decimal
    taxable_amount: Decimal
    tax_amount: Decimal


@dataclass(frozen=True)
class HeldByRule:
    """How many accounts a review rule holds, and the invoice amounts that wait with them."""

    rule: str
    description: str
    accounts: int
    amount_at_stake: Decimal


@dataclass(frozen=True)
class HeldAccount:
    """One finding on a held account, named by its id; `bill_amount` is the bill that waits."""

    account_id: str
    rule: str
    finding: str
    amount_at_stake: Decimal
    bill_amount: Decimal | None = None


@dataclass(frozen=True)
class Exceptions:
    """Records that were not billed for one reason: suspense, rejects. `amount` where known."""

    reason: str
    records: int
    amount: Decimal | None = None


@dataclass(frozen=True)
class RefusedFile:
    """A source file that was refused whole, and why."""

    file_name: str
    entity: str
    reason: str


@dataclass(frozen=True)
class Fate:
    """What became of something: `total` must equal the sum of `parts`, in one unit."""

    name: str
    unit: ControlUnit
    total_label: str
    total: Decimal
    parts: tuple[tuple[str, Decimal], ...]

    @property
    def difference(self) -> Decimal:
        """What the parts leave unexplained."""
        return self.total - sum((value for _, value in self.parts), ZERO)

    @property
    def is_ok(self) -> bool:
        """Whether every unit of the total has a fate."""
        return self.difference == 0


@dataclass(frozen=True)
class ControlTotal:
    """One control of the warehouse: what is expected against what is accounted for.

    Whether it is balanced, within its own tolerance, the warehouse has decided. `scope` is the pass
    it is about, empty for the whole house.
    """

    step: str
    name: str
    scope: str
    unit: ControlUnit
    expected: Decimal
    accounted: Decimal
    difference: Decimal
    is_ok: bool


@dataclass(frozen=True)
class BillPass:
    """One pass of the bill run and what it issued."""

    name: str
    state: str
    issue_date: date
    accounts: int
    documents: int
    total_amount: Decimal


@dataclass(frozen=True)
class Delivery:
    """The documents of one channel by state; post has no receipt, it is `handed_over`."""

    channel: str
    documents: int
    delivered: int = 0
    accepted: int = 0
    handed_over: int = 0
    pending: int = 0
    failed: int = 0
    not_rendered: int = 0


@dataclass(frozen=True)
class PaymentStatus:
    """Documents in one state of payment, what was billed on them, what is paid and open."""

    status: str
    documents: int
    amount: Decimal
    paid_amount: Decimal
    open_amount: Decimal


@dataclass(frozen=True)
class Ageing:
    """Receivables of one age bucket."""

    bucket: str
    documents: int
    amount: Decimal


@dataclass(frozen=True)
class Kpi:
    """One key figure. `value` None is printed as not yet known, never as zero."""

    name: str
    value: Decimal | None
    unit: KpiUnit
    note: str = ""


@dataclass(frozen=True)
class CycleReport:
    """Everything the report of one bill run says. `generated_at` is given, never off a clock."""

    legal_entity: str
    bill_run_id: str
    bill_date: date
    period_start: date
    period_end: date
    generated_at: datetime
    currency_code: str
    minor_units: int
    accounts_due: int
    documents_issued: int
    accounts_held: int
    accounts_without_charge: int
    accounts_carried_forward: int
    held_amount: Decimal
    net_amount: Decimal
    tax_amount: Decimal
    total_amount: Decimal
    passes: tuple[BillPass, ...] = ()
    revenue_by_charge_type: tuple[Revenue, ...] = ()
    revenue_by_charge: tuple[Revenue, ...] = ()
    revenue_by_plan: tuple[Revenue, ...] = ()
    revenue_by_region: tuple[Revenue, ...] = ()
    taxes: tuple[TaxTotal, ...] = ()
    held_by_rule: tuple[HeldByRule, ...] = ()
    held_accounts: tuple[HeldAccount, ...] = ()
    suspense: tuple[Exceptions, ...] = ()
    rejected: tuple[Exceptions, ...] = ()
    refused_files: tuple[RefusedFile, ...] = ()
    unmatched_payments: tuple[Exceptions, ...] = ()
    fates: tuple[Fate, ...] = ()
    control_totals: tuple[ControlTotal, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    payments: tuple[PaymentStatus, ...] = ()
    ageing: tuple[Ageing, ...] = ()
    as_of: date | None = None
    kpis: tuple[Kpi, ...] = ()
    past_runs: tuple[PastBill, ...] = ()
    commit_hash: str = ""
    approved_by: str = ""
    language: str = "en"


def render_report(*reports: CycleReport) -> str:
    """Return one HTML page with a section per report: inline style, no script, no request."""
    views = [report_view(report) for report in reports]
    sections = [Markup(templating.render("report_section.html.j2", view)) for view in views]  # noqa: S704
    shell = {
        "colour": COLOURS,
        "lang": reports[0].language if reports else "en",
        "title": ", ".join(report.bill_run_id for report in reports),
        "generated_at": max(report.generated_at for report in reports) if reports else None,
        "sections": sections,
    }
    return templating.render("report.html.j2", shell)


def report_view(report: CycleReport) -> dict[str, Any]:
    """Return what a section shows, every figure formatted. The page's own words are English."""
    words = language(report.language)
    return {
        "mark": letter_mark(),
        "currency": report.currency_code,
        "legal_entity": report.legal_entity,
        "facts": _facts(report, words),
        "passes": _passes(report, words),
        "headline": _headline(report, words),
        "kpis": [
            {"name": kpi.name, "value": _kpi(report, words, kpi), "note": kpi.note}
            for kpi in report.kpis
        ],
        "trend": _trend(report, words),
        "taxes": _taxes(report, words),
        "deliveries": _deliveries(report, words),
        **_revenue_view(report, words),
        **_controls_view(report, words),
        **_exceptions_view(report, words),
        **_receivables_view(report, words),
    }


def _revenue_view(report: CycleReport, words: Language) -> dict[str, Any]:
    tables = (
        ("Revenue by charge type", report.revenue_by_charge_type),
        ("Revenue by charge", report.revenue_by_charge),
        ("Revenue by plan", report.revenue_by_plan),
        ("Revenue by region", report.revenue_by_region),
    )
    return {
        "revenue": [_revenue_table(report, words, title, rows) for title, rows in tables if rows]
    }


def _controls_view(report: CycleReport, words: Language) -> dict[str, Any]:
    ties: list[ControlTotal | Fate] = [*report.control_totals, *report.fates]
    return {
        "ties": len(ties),
        "broken": sum(not tie.is_ok for tie in ties),
        "controls": [_control(report, words, control) for control in report.control_totals],
        "fates": [_fate(report, words, fate) for fate in report.fates],
    }


def _exceptions_view(report: CycleReport, words: Language) -> dict[str, Any]:
    return {
        "held": _held(report, words),
        "suspense": _exceptions(report, words, report.suspense),
        "rejected": _exceptions(report, words, report.rejected),
        "refused_files": report.refused_files,
        "unmatched": _exceptions(report, words, report.unmatched_payments),
    }


def _receivables_view(report: CycleReport, words: Language) -> dict[str, Any]:
    return {
        "payments": _payments(report, words),
        "ageing": _counted(
            report, words, [(row.bucket, row.documents, row.amount) for row in report.ageing]
        ),
        "ageing_chart": _ageing_chart(report, words),
        "as_of": words.day(report.as_of) if report.as_of else "",
    }


def _money(report: CycleReport, words: Language, amount: Decimal) -> str:
    return words.number(amount, report.minor_units)


def _facts(report: CycleReport, words: Language) -> list[tuple[str, str]]:
    facts = [
        ("Bill run", report.bill_run_id),
        ("Bill date", words.day(report.bill_date)),
        ("Usage period", words.period(report.period_start, report.period_end)),
        ("Approved by", report.approved_by),
        ("Tariff as of commit", report.commit_hash),
    ]
    return [(label, value) for label, value in facts if value]


def _headline(report: CycleReport, words: Language) -> list[tuple[str, str, str]]:
    """Return the large figures at the top: label, figure, what stands under it."""
    net, tax = (_money(report, words, x) for x in (report.net_amount, report.tax_amount))
    currency = report.currency_code
    return [
        (
            f"Billed, {currency}",
            _money(report, words, report.total_amount),
            f"{net} net, {tax} tax",
        ),
        (
            "Documents issued",
            words.number(report.documents_issued),
            f"of {words.number(report.accounts_due)} accounts due",
        ),
        (
            "Accounts held",
            words.number(report.accounts_held),
            f"{_money(report, words, report.held_amount)} {currency} of bills wait",
        ),
        (
            "Other accounts not billed",
            words.number(report.accounts_without_charge + report.accounts_carried_forward),
            f"{words.number(report.accounts_without_charge)} with nothing to bill, "
            f"{words.number(report.accounts_carried_forward)} carried forward",
        ),
    ]


def _passes(report: CycleReport, words: Language) -> list[tuple[str, ...]]:
    return [
        (
            row.name,
            row.state,
            words.day(row.issue_date),
            words.number(row.accounts),
            words.number(row.documents),
            _money(report, words, row.total_amount),
        )
        for row in report.passes
    ]


def _quantity(report: CycleReport, words: Language, unit: ControlUnit, value: Decimal) -> str:
    if unit != "amount":
        return words.number(value)
    # A rated amount keeps its six decimals here: a tie shown rounded proves nothing.
    places = -int(value.normalize().as_tuple().exponent)
    return words.number(value, max(report.minor_units, places))


def _unit(report: CycleReport, unit: ControlUnit) -> str:
    return report.currency_code if unit == "amount" else unit


def _fate(report: CycleReport, words: Language, fate: Fate) -> dict[str, Any]:
    return {
        "name": fate.name,
        "unit": _unit(report, fate.unit),
        "total_label": fate.total_label,
        "total": _quantity(report, words, fate.unit, fate.total),
        "parts": [
            (label, _quantity(report, words, fate.unit, value)) for label, value in fate.parts
        ],
        "difference": _quantity(report, words, fate.unit, fate.difference),
        "is_ok": fate.is_ok,
    }


def _control(report: CycleReport, words: Language, control: ControlTotal) -> dict[str, Any]:
    figures = (control.expected, control.accounted, control.difference)
    return {
        "step": control.step,
        "name": control.name,
        "scope": control.scope,
        "unit": _unit(report, control.unit),
        "figures": [_quantity(report, words, control.unit, value) for value in figures],
        "is_ok": control.is_ok,
    }


def _kpi(report: CycleReport, words: Language, kpi: Kpi) -> str:
    if kpi.value is None:
        return EN_DASH
    if kpi.unit == "percent":
        return f"{words.number(kpi.value, 2)}\N{NO-BREAK SPACE}%"
    if kpi.unit == "amount":
        return f"{_money(report, words, kpi.value)}\N{NO-BREAK SPACE}{report.currency_code}"
    if kpi.unit == "count":
        return words.number(kpi.value)
    unit = {"days": "days", "per_hour": "/ h", "seconds": "s"}[kpi.unit]
    places = 0 if kpi.unit == "per_hour" else 1
    return f"{words.number(kpi.value, places)}\N{NO-BREAK SPACE}{unit}"


def _revenue_table(
    report: CycleReport, words: Language, title: str, rows: Sequence[Revenue]
) -> dict[str, Any]:
    total = sum((row.net_amount for row in rows), ZERO)
    bars = [Bar(row.label, row.net_amount, _money(report, words, row.net_amount)) for row in rows]
    described = ", ".join(f"{bar.label} {bar.text}" for bar in bars)
    return {
        "title": title,
        "chart": row_chart(bars, title=f"{title}, {report.currency_code}", description=described),
        "rows": [
            (
                row.label,
                words.number(row.count),
                _money(report, words, row.net_amount),
                _share(words, row.net_amount, total),
            )
            for row in rows
        ],
        "count": words.number(sum(row.count for row in rows)),
        "total": _money(report, words, total),
    }


def _share(words: Language, part: Decimal, whole: Decimal) -> str:
    return f"{words.number(part * 100 / whole, 1)}\N{NO-BREAK SPACE}%" if whole else EN_DASH


def _trend(report: CycleReport, words: Language) -> Markup:
    """Return the totals of earlier runs and of this one; without earlier runs no chart."""
    if not report.past_runs:
        return Markup("")
    past = sorted(report.past_runs, key=lambda bill: bill.month)
    totals = [(run.month, run.total_amount) for run in past]
    totals.append((report.bill_date, report.total_amount))
    bars = [
        Bar(words.month_short(month), amount, words.number(amount), index == len(past))
        for index, (month, amount) in enumerate(totals)
    ]
    described = ", ".join(f"{words.month(month)} {words.number(total)}" for month, total in totals)
    title = f"Billed per bill date including tax, {report.currency_code}"
    return column_chart(bars, title=title, description=described, width=400, height=150)


def _taxes(report: CycleReport, words: Language) -> dict[str, Any]:
    taxable = sum((tax.taxable_amount for tax in report.taxes), ZERO)
    amount = sum((tax.tax_amount for tax in report.taxes), ZERO)
    return {
        "rows": [
            (
                f"{tax.name} {words.rate(tax.rate)}",
                _money(report, words, tax.taxable_amount),
                _money(report, words, tax.tax_amount),
            )
            for tax in report.taxes
        ],
        "taxable": _money(report, words, taxable),
        "tax": _money(report, words, amount),
    }


def _held(report: CycleReport, words: Language) -> dict[str, Any]:
    largest = sorted(
        report.held_accounts, key=lambda account: (-account.amount_at_stake, account.account_id)
    )
    return {
        "rules": [
            (
                row.rule,
                row.description,
                words.number(row.accounts),
                _money(report, words, row.amount_at_stake),
            )
            for row in report.held_by_rule
        ],
        "accounts": [
            (
                row.account_id,
                row.rule,
                row.finding,
                EN_DASH if row.bill_amount is None else _money(report, words, row.bill_amount),
                _money(report, words, row.amount_at_stake),
            )
            for row in largest[:HELD_ACCOUNTS_SHOWN]
        ],
        "more": max(0, len(largest) - HELD_ACCOUNTS_SHOWN),
    }


def _exceptions(report: CycleReport, words: Language, rows: Sequence[Exceptions]) -> dict[str, Any]:
    return {
        "rows": [
            (
                row.reason,
                words.number(row.records),
                EN_DASH if row.amount is None else _money(report, words, row.amount),
            )
            for row in rows
        ],
        "records": words.number(sum(row.records for row in rows)),
        "amount": _money(report, words, sum((row.amount or ZERO for row in rows), ZERO)),
        "has_amounts": any(row.amount is not None for row in rows),
    }


def _deliveries(report: CycleReport, words: Language) -> list[tuple[str, ...]]:
    """Return one row per channel; the success rate counts what arrived by any of three proofs."""
    rows = []
    for row in report.deliveries:
        succeeded = row.delivered + row.accepted + row.handed_over
        counts = (
            row.documents,
            row.delivered,
            row.accepted,
            row.handed_over,
            row.pending,
            row.failed,
            row.not_rendered,
        )
        share = _share(words, Decimal(succeeded), Decimal(row.documents))
        rows.append((row.channel, *(words.number(count) for count in counts), share))
    return rows


def _payments(report: CycleReport, words: Language) -> dict[str, Any]:
    columns = zip(
        *((row.amount, row.paid_amount, row.open_amount) for row in report.payments), strict=True
    )
    return {
        "rows": [
            (
                row.status,
                words.number(row.documents),
                _money(report, words, row.amount),
                _money(report, words, row.paid_amount),
                _money(report, words, row.open_amount),
            )
            for row in report.payments
        ],
        "count": words.number(sum(row.documents for row in report.payments)),
        "totals": [_money(report, words, sum(column, ZERO)) for column in columns]
        or [_money(report, words, ZERO)] * 3,
    }


def _counted(
    report: CycleReport, words: Language, rows: Sequence[tuple[str, int, Decimal]]
) -> dict[str, Any]:
    return {
        "rows": [
            (label, words.number(count), _money(report, words, amount))
            for label, count, amount in rows
        ],
        "count": words.number(sum(count for _, count, _ in rows)),
        "amount": _money(report, words, sum((amount for _, _, amount in rows), ZERO)),
    }


def _ageing_chart(report: CycleReport, words: Language) -> Markup:
    if not report.ageing:
        return Markup("")
    bars = [Bar(row.bucket, row.amount, words.number(row.amount)) for row in report.ageing]
    described = ", ".join(f"{bar.label} {bar.text}" for bar in bars)
    title = f"Receivables by age, {report.currency_code}"
    return column_chart(bars, title=title, description=described, width=400, height=150)
