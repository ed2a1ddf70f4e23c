"""What a tariff change does to bills: dataclasses in, one self-contained HTML page or markdown out.

Amounts are `Decimal` in the currency of their section, with tax where they are bills and without
where they are revenue. Accounts are named by their id only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from markupsafe import Markup

from renderers import templating
from renderers.charts import Bar, column_chart, letter_mark, row_chart
from renderers.invoice import ZERO
from renderers.language import EN_DASH, Language, language
from renderers.palette import COLOURS

MARKDOWN_MOVERS = 5
MARKDOWN_OPPOSITE = 3
MARKDOWN_LINES = 3
MOVERS_TAX = "bills with tax, their lines without"
# What the figures are, below them wherever they are shown.
FOOTNOTE = (
    "Bills include tax and those of accounts that validation holds; revenue is without tax. Rated "
    "usage is before discounts and before lines are rounded, so its total by zone is not that by "
    "charge type."
)


@dataclass(frozen=True)
class SeedChange:
    """One row of a seed that differs: `kind` is added, removed or changed, `text` says how."""

    file: str
    line: int
    kind: str
    row: str
    text: str


@dataclass(frozen=True)
class Spread:
    """By how much accounts move: median, 95th percentile and most; None when none moves."""

    p50: Decimal | None
    p95: Decimal | None
    maximum: Decimal | None


@dataclass(frozen=True)
class RevenueChange:
    """Revenue of one plan, zone, charge or charge type under both tariffs."""

    label: str
    before_amount: Decimal
    after_amount: Decimal
    percent: Decimal | None

    @property
    def change(self) -> Decimal:
        return self.after_amount - self.before_amount


@dataclass(frozen=True)
class LineChange:
    """A line of a bill that moved, and the tariff rows that made it on both sides.

    `subscription_id` is None for a line of the whole account.
    """

    subscription_id: str | None
    description: str
    charge_code: str
    source_before: str
    source_after: str
    period_start: date
    period_end: date
    before_amount: Decimal
    after_amount: Decimal

    @property
    def change(self) -> Decimal:
        return self.after_amount - self.before_amount


@dataclass(frozen=True)
class AccountChange:
    """An account whose bill moves. `percent` is None when it had no bill before."""

    billing_account_id: str
    before_amount: Decimal
    after_amount: Decimal
    change: Decimal
    percent: Decimal | None
    lines: tuple[LineChange, ...] = ()


@dataclass(frozen=True)
class CurrencyImpact:
    """What happens to the bills in one currency. `steps` counts accounts by how far they move.

    `opposite` are the largest of those that move against the sum of all.
    """

    currency_code: str
    minor_units: int
    accounts_up: int
    accounts_down: int
    accounts_unchanged: int
    before_amount: Decimal
    after_amount: Decimal
    change: Decimal
    percent: Decimal | None
    amounts: Spread
    percents: Spread
    steps: tuple[tuple[str, int], ...]
    by_plan: tuple[RevenueChange, ...]
    by_zone: tuple[RevenueChange, ...]
    by_charge_type: tuple[RevenueChange, ...]
    by_charge: tuple[RevenueChange, ...]
    movers: tuple[AccountChange, ...]
    opposite: tuple[AccountChange, ...] = ()
    breaking: tuple[AccountChange, ...] = ()

    @property
    def accounts_moved(self) -> int:
        return self.accounts_up + self.accounts_down


@dataclass(frozen=True)
class FindingChange:
    """A finding of validation that only one side has: new, or gone."""

    billing_account_id: str
    rule_id: str
    seen: str
    is_new: bool


@dataclass(frozen=True)
class OutcomeChange:
    """How many accounts end otherwise: held instead of issued, say."""

    outcome_before: str
    outcome_after: str
    account_count: int


@dataclass(frozen=True)
class SuspenseChange:
    """How many records cannot be priced for one reason, where that differs."""

    reason: str
    before_count: int
    after_count: int


@dataclass(frozen=True)
class ImpactReport:
    """Everything that is said of a change. `max_percent` None means that nothing was asked.

    `tariff_of`: both sides are billed with the prices of that day. `begins_later`: the first day
    of new rows that begin only after what was billed again.
    """

    before: str
    after: str
    bill_date: date
    passes: tuple[str, ...]
    files: tuple[str, ...]
    seed_changes: tuple[SeedChange, ...]
    currencies: tuple[CurrencyImpact, ...]
    findings: tuple[FindingChange, ...]
    outcomes: tuple[OutcomeChange, ...]
    suspended: tuple[SuspenseChange, ...]
    max_percent: Decimal | None = None
    tariff_of: date | None = None
    begins_later: date | None = None

    @property
    def breaking_count(self) -> int:
        return sum(len(one.breaking) for one in self.currencies)

    @property
    def is_within(self) -> bool:
        """Whether no account moves by more than what was allowed."""
        return self.breaking_count == 0


def verdict(report: ImpactReport) -> str:
    """Return the answer in one sentence."""
    if not any(one.accounts_moved for one in report.currencies):
        return "No bill changes."
    told = []
    for one in report.currencies:
        if one.accounts_moved:
            told.append(
                f"{_bills(one.accounts_up, 'go')} up, {one.accounts_down:,} down, "
                f"{one.accounts_unchanged:,} stay; {_signed(one.change, one.minor_units)} "
                f"{one.currency_code} with tax in all"
                f"{_in_brackets(percent_text(one.before_amount, one.percent))}"
            )
    return "; ".join(told) + "."


def gate(report: ImpactReport) -> str:
    """Return what the gate says, empty when there is none."""
    if report.max_percent is None:
        return ""
    limit = f"{report.max_percent.normalize():f} %"
    if report.is_within:
        return f"No bill moves by more than {limit}."
    return f"{_bills(report.breaking_count, 'move')} by more than {limit}."


def note(report: ImpactReport) -> str:
    """Return what must be known of the days of the tariff, empty when there is nothing to say."""
    if report.tariff_of is not None:
        return f"Both sides are billed with the prices of {report.tariff_of}."
    if report.begins_later is not None:
        return (
            f"The new rows begin on {report.begins_later}, after what was billed again: "
            f"--tariff-of {report.begins_later} shows what they will do."
        )
    return ""


def percent_text(before: Decimal, percent: Decimal | None) -> str:
    """Return a change in per cent of what was before: of a negative amount it would mislead."""
    if before < 0:
        return ""
    return "new" if percent is None else f"{percent:+.2f} %"


def line_texts(lines: Sequence[LineChange], *, with_subscription: bool = True) -> list[str]:
    """Name lines by their description, and by as much more as it takes that no two are the same."""
    parts = [
        (
            one.subscription_id or "account",
            f"{one.period_start} to {one.period_end}",
            one.charge_code,
        )
        for one in lines
    ]
    texts = [one.description for one in lines]
    for number in range(3):
        is_always = with_subscription and number == 0
        seen = Counter(texts)
        texts = [
            f"{text}, {part[number]}" if is_always or seen[text] > 1 else text
            for text, part in zip(texts, parts, strict=True)
        ]
    return texts


def opposite_title(one: CurrencyImpact) -> str:
    """Return the head of those that move against the sum of all."""
    return f"Largest moves {'up' if one.opposite[0].change > 0 else 'down'}, against the rest"


def _bills(count: int, verb: str) -> str:
    if count == 1:
        return f"1 bill {verb}{'es' if verb.endswith('o') else 's'}"
    return f"{count:,} bills {verb}"


def _in_brackets(text: str) -> str:
    return f" ({text})" if text else ""


def _signed(value: Decimal, places: int) -> str:
    return f"{value:+,.{places}f}" if value else f"{value:,.{places}f}"


def _plain(value: Decimal | None, places: int, unit: str = "") -> str:
    return EN_DASH if value is None else f"{value:,.{places}f}{unit}"


# The page


def render_impact(report: ImpactReport) -> str:
    """Return one HTML page: inline style, no script, no request."""
    words = language("en")
    values = {
        "colour": COLOURS,
        "mark": letter_mark(),
        "report": report,
        "bill_date": words.day(report.bill_date),
        "verdict": verdict(report),
        "gate": gate(report),
        "note": note(report),
        "footnote": FOOTNOTE,
        "movers_tax": MOVERS_TAX,
        "sections": [_section(one, words) for one in report.currencies],
    }
    return templating.render("impact.html.j2", values)


def _section(one: CurrencyImpact, words: Language) -> dict[str, Any]:
    places, currency = one.minor_units, one.currency_code
    return {
        "currency": currency,
        "headline": [
            (
                f"Bills with tax, {currency}",
                words.number(one.after_amount, places),
                f"{words.number(one.before_amount, places)} before",
            ),
            (
                "Change, with tax",
                _signed(one.change, places),
                percent_text(one.before_amount, one.percent),
            ),
            ("Bills that go up", words.number(one.accounts_up), f"{one.accounts_down:,} go down"),
            ("Unchanged", words.number(one.accounts_unchanged), "accounts"),
        ],
        "spread": [
            (
                name,
                _plain(amount, places),
                _plain(percent, 2, "\N{NO-BREAK SPACE}%"),
            )
            for name, amount, percent in (
                ("Half of the moved bills move by at most", one.amounts.p50, one.percents.p50),
                ("95 % of them by at most", one.amounts.p95, one.percents.p95),
                ("The most", one.amounts.maximum, one.percents.maximum),
            )
        ],
        "steps": _steps_chart(one),
        "revenue": [
            _revenue(title, rows, one)
            for title, rows in (
                *revenue_tables(one),
                ("Revenue by charge, without tax", one.by_charge),
            )
            if rows
        ],
        "movers": [_account(mover, places) for mover in one.movers],
        "opposite_title": opposite_title(one) if one.opposite else "",
        "opposite": [_account(mover, places) for mover in one.opposite],
        "breaking": [_account(mover, places) for mover in one.breaking],
    }


def revenue_tables(one: CurrencyImpact) -> tuple[tuple[str, tuple[RevenueChange, ...]], ...]:
    """Return the tables of revenue with their titles, which say that it is without tax."""
    return (
        ("Revenue by charge type, without tax", one.by_charge_type),
        ("Revenue by plan, without tax", one.by_plan),
        ("Rated usage by zone, without tax", one.by_zone),
    )


def _steps_chart(one: CurrencyImpact) -> Markup:
    bars = [
        Bar(label, Decimal(count), f"{count:,}", is_highlighted=label != "unchanged")
        for label, count in one.steps
    ]
    described = ", ".join(f"{label} {count}" for label, count in one.steps)
    title = f"Accounts by the change of their bill, {one.currency_code}"
    return column_chart(bars, title=title, description=described, width=860, height=150)


def _revenue(title: str, rows: Sequence[RevenueChange], one: CurrencyImpact) -> dict[str, Any]:
    places = one.minor_units
    moved = [row for row in rows if row.change]
    bars = [Bar(row.label, row.change, _signed(row.change, places)) for row in moved]
    described = ", ".join(f"{bar.label} {bar.text}" for bar in bars)
    before = sum((row.before_amount for row in rows), ZERO)
    after = sum((row.after_amount for row in rows), ZERO)
    return {
        "title": f"{title}, {one.currency_code}",
        "chart": row_chart(bars, title=f"Change: {title}", description=described)
        if bars
        else Markup(""),
        "rows": [
            (
                row.label,
                _plain(row.before_amount, places),
                _plain(row.after_amount, places),
                _signed(row.change, places),
                percent_text(row.before_amount, row.percent) if row.change else "",
            )
            for row in rows
        ],
        "total": (_plain(before, places), _plain(after, places), _signed(after - before, places)),
    }


def _account(mover: AccountChange, places: int) -> dict[str, Any]:
    return {
        "account": mover.billing_account_id,
        "before": _plain(mover.before_amount, places),
        "after": _plain(mover.after_amount, places),
        "change": _signed(mover.change, places),
        "percent": percent_text(mover.before_amount, mover.percent),
        "lines": [
            {
                "text": text,
                "rows": _sources(line),
                "before": _plain(line.before_amount, places),
                "after": _plain(line.after_amount, places),
                "change": _signed(line.change, places),
            }
            for line, text in zip(mover.lines, line_texts(mover.lines), strict=True)
        ],
    }


def _sources(line: LineChange) -> str:
    if line.source_before == line.source_after:
        return line.source_after
    return f"{line.source_before or EN_DASH} \N{RIGHTWARDS ARROW} {line.source_after or EN_DASH}"


# Markdown


def render_markdown(report: ImpactReport) -> str:
    """Return a summary for a pull request; what stands in it is data and never markup."""
    lines = [
        f"## Tariff impact: {_cell(verdict(report))}",
        "",
        f"Bill date {report.bill_date}, {_cell(report.before)} \N{RIGHTWARDS ARROW} "
        f"{_cell(report.after)}.",
    ]
    if note(report):
        lines += ["", _cell(note(report))]
    if gate(report):
        sign = "\N{WHITE HEAVY CHECK MARK}" if report.is_within else "\N{CROSS MARK}"
        lines += ["", f"{sign} **{gate(report)}**"]
    lines += _markdown_changes(report)
    for one in report.currencies:
        lines += _markdown_currency(one)
    lines += _markdown_validation(report)
    if report.currencies:
        lines += ["", _cell(FOOTNOTE)]
    return "\n".join(lines) + "\n"


def _markdown_changes(report: ImpactReport) -> list[str]:
    if not (report.seed_changes or report.files):
        return []
    lines = ["", "### What changed", ""]
    lines += [
        f"- `{_code(f'{change.file}:{change.line}')}` {change.kind} `{_code(change.row)}`"
        f"{': ' if change.text else ''}{_cell(change.text)}"
        for change in report.seed_changes
    ]
    lines += [f"- `{_code(file)}`" for file in report.files]
    return lines


def _markdown_currency(one: CurrencyImpact) -> list[str]:
    places = one.minor_units
    lines = [
        "",
        f"### Bills in {one.currency_code}, with tax",
        "",
        "| | amount | percent |",
        "|---|---:|---:|",
        f"| billed before | {_plain(one.before_amount, places)} | |",
        f"| billed after | {_plain(one.after_amount, places)} "
        f"| {percent_text(one.before_amount, one.percent)} |",
    ]
    if one.accounts_moved:
        lines += [
            f"| median move | {_plain(one.amounts.p50, places)} "
            f"| {_plain(one.percents.p50, 2, ' %')} |",
            f"| 95th percentile | {_plain(one.amounts.p95, places)} "
            f"| {_plain(one.percents.p95, 2, ' %')} |",
            f"| largest | {_plain(one.amounts.maximum, places)} "
            f"| {_plain(one.percents.maximum, 2, ' %')} |",
        ]
    for title, rows in revenue_tables(one):
        moved = [row for row in rows if row.change]
        if moved:
            lines += ["", f"| {title} | before | after | change | |", "|---|---:|---:|---:|---:|"]
            lines += [
                f"| {_cell(row.label)} | {_plain(row.before_amount, places)} "
                f"| {_plain(row.after_amount, places)} | {_signed(row.change, places)} "
                f"| {percent_text(row.before_amount, row.percent)} |"
                for row in moved
            ]
    title = "Accounts beyond the limit" if one.breaking else "Largest moves"
    lines += _markdown_movers(title, one.breaking or one.movers, MARKDOWN_MOVERS, places)
    more = len(one.breaking) - MARKDOWN_MOVERS
    if more > 0:
        lines += ["", f"and {more:,} more"]
    if one.opposite:
        lines += _markdown_movers(opposite_title(one), one.opposite, MARKDOWN_OPPOSITE, places)
    return lines


def _markdown_movers(
    title: str, movers: Sequence[AccountChange], most: int, places: int
) -> list[str]:
    shown = movers[:most]
    if not shown:
        return []
    lines = ["", f"<details><summary>{title}, {MOVERS_TAX}</summary>", ""]
    lines += ["| account | before | after | change | |", "|---|---:|---:|---:|---:|"]
    for mover in shown:
        lines.append(
            f"| {_cell(mover.billing_account_id)} | {_plain(mover.before_amount, places)} "
            f"| {_plain(mover.after_amount, places)} | {_signed(mover.change, places)} "
            f"| {percent_text(mover.before_amount, mover.percent)} |"
        )
        texts = line_texts(mover.lines, with_subscription=False)
        lines += [
            f"| &nbsp;&nbsp;{_cell(text)} ({_cell(_sources(line))}) "
            f"| {_plain(line.before_amount, places)} | {_plain(line.after_amount, places)} "
            f"| {_signed(line.change, places)} | |"
            for line, text in list(zip(mover.lines, texts, strict=True))[:MARKDOWN_LINES]
        ]
    return [*lines, "", "</details>"]


def _markdown_validation(report: ImpactReport) -> list[str]:
    lines: list[str] = []
    for is_new, title in ((True, "Newly held by validation"), (False, "No longer held")):
        rules: dict[str, list[str]] = {}
        for one in report.findings:
            if one.is_new == is_new:
                rules.setdefault(one.rule_id, []).append(one.billing_account_id)
        if rules:
            lines += ["", f"### {title}", ""]
            for rule, accounts in rules.items():
                some = ", ".join(_cell(one) for one in accounts[:MARKDOWN_MOVERS])
                more = f" and {len(accounts) - MARKDOWN_MOVERS:,} more"
                lines.append(
                    f"- `{_code(rule)}`: {some}{more if len(accounts) > MARKDOWN_MOVERS else ''}"
                )
    if report.suspended:
        lines += ["", "### Records without a price", "", "| reason | before | after |"]
        lines += ["|---|---:|---:|"]
        lines += [
            f"| {_cell(one.reason)} | {one.before_count:,} | {one.after_count:,} |"
            for one in report.suspended
        ]
    return lines


def _cell(text: str) -> str:
    """Return data as markdown shows it: it makes no table, link, tag, mention or emphasis."""
    plain = "".join(part if part.isprintable() else " " for part in text)
    for part in "\\`*_{}[]()#+|~":
        plain = plain.replace(part, f"\\{part}")
    plain = plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return plain.replace("@", "@\N{ZERO WIDTH SPACE}").replace("\\(", "(").replace("\\)", ")")


def _code(text: str) -> str:
    return "".join(part if part.isprintable() and part != "`" else " " for part in text)
