"""Explain an invoice: each line back to its charge, records, tariff row and commit, with the sums.

Issued invoices are explained from their frozen rows, others from what was computed. The figures are
the warehouse's; the text says how each follows from the one before. Tariff rows are those of the
pass's commit; where that is not at hand, the text says if today's row no longer says what was
billed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import duckdb

from orchestration.lib.errors import TollhouseError
from orchestration.lib.warehouse import Row, open_warehouse, read_rows
from orchestration.review.arithmetic import place_text, record_text
from orchestration.review.tariff_rows import (
    ALLOWANCES,
    CHARGE_CAPS,
    COMMITMENTS,
    COUPONS,
    FEES,
    PRICE_PHASES,
    PROMOTIONS,
    RECURRING_CHARGES,
    TAX_RATES,
    USAGE_RATES,
    Tariff,
    TariffRow,
    tariff_of,
)
from orchestration.review.text import UNITS, counted, masked, plain
from orchestration.settings import Settings

SHOWN_OF_INVOICE, SHOWN_OF_LINE = 3, 20
MILLIONTH = Decimal("0.000001")

INVOICE = """
    select
        invoices.invoice_id,
        invoices.invoice_number,
        invoices.billing_status,
        invoices.billing_account_id,
        invoices.pass_id,
        invoices.legal_entity_id,
        invoices.bill_cycle_id,
        invoices.currency_code,
        invoices.bill_date,
        invoices.net_amount,
        invoices.tax_amount,
        invoices.total_amount,
        transitions.commit_hash,
        transitions.project_hash
    from marts.fct_invoices as invoices
    left join staging.stg_ledger__pass_transitions as transitions
        on invoices.pass_id = transitions.pass_id
    where invoices.invoice_number = $reference or invoices.invoice_id = $reference
    order by (transitions.pass_state = 'issued') desc, transitions.ledger_sequence desc
    limit 1
"""
NUMBERS_OF_ACCOUNT = """
    select invoice_number
    from marts.fct_invoices
    where billing_account_id = upper($reference) and invoice_number is not null
    order by bill_date desc, invoice_number desc
    limit 12
"""
LINES = """
    select
        lines.*,
        charges.priced_amount as charge_amount,
        charges.priced_currency_code,
        charges.tax_category as priced_tax_category,
        charges.exchange_rate,
        charges.amount as converted_amount
    from marts.fct_invoice_lines as lines
    inner join marts.fct_charges as charges on lines.invoice_line_id = charges.charge_id
    where
        lines.invoice_id = $invoice_id
        and ($line_number is null or lines.line_number = $line_number)
    order by lines.line_number
"""
TAXES = """
    select upper(tax_type) as tax_type, tax_category, tax_rate, taxable_amount, tax_amount,
        tax_rate_id, net_amount, exemption_reason, tax_jurisdiction
    from marts.fct_invoice_taxes
    where invoice_id = $invoice_id
    order by tax_rate desc, tax_category
"""
# The rated segments of the pass that stand on the invoice, once for all lines.
KEEP_USAGE = """
    create temp table explained_usage as
    with billed as (
        select *
        from {source}
        where
            pass_id = $pass_id
            and billing_account_id in (
                select billing_account_id
                from marts.fct_invoice_lines
                where invoice_id = $invoice_id
            )
    ),
    landed as (
        select event_id, file_id, record_number, min(record_id) as record_id
        from staging.stg_landing__usage
        where event_id in (select event_id from billed)
        group by event_id, file_id, record_number
    )
    select billed.*, files.file_name, landed.record_id
    from billed
    left join staging.stg_landing__files as files
        on billed.file_id = files.file_id and files.file_status <> 'duplicate'
    left join landed
        on
            billed.event_id = landed.event_id
            and billed.file_id = landed.file_id
            and billed.record_number = landed.record_number
"""
_OF_LINE = """
    from explained_usage
    where
        subscription_id = $subscription_id
        and charge_code = $charge_code
        and currency_code = $priced_currency_code
        and tax_category = $priced_tax_category
        and usage_period_start = $period_start
        and usage_period_end = $period_end
"""
# Of what was billed before, only what costs something else now.
SEGMENTS = f"""
    select *
    {_OF_LINE}
    qualify
        not bool_or(is_reversal) over (partition by event_id)
        or sum(rated_amount) over (partition by event_id) <> 0
    order by started_at, event_id, is_reversal desc, segment_number
    limit $shown
"""
RATES = f"""
    select
        usage_rate_id,
        rate_amount,
        per_units,
        abs(connect_amount) as connect_amount,
        service,
        is_reversal,
        count(distinct event_id) as record_count,
        cast(sum(measured_units) as bigint) as measured_units,
        cast(sum(units) as bigint) as units,
        cast(sum(free_units) as bigint) as free_units,
        cast(sum(charged_units) as bigint) as charged_units,
        cast(sum(rated_amount) as decimal(18, 6)) as rated_amount
    {_OF_LINE}
    group by all
    order by is_reversal, usage_rate_id, rate_amount
"""
DRAWS = """
    select draws.allowance_id, cast(draws.drawn_quantity as bigint) as drawn_quantity
    from {source} as draws
    where
        draws.pass_id = $pass_id
        and draws.billing_account_id = $billing_account_id
        and draws.drawn_quantity <> 0
        and draws.usage_period_start = $period_start
        and draws.allowance_scope_id in (
            select allowance_scope_id
            from explained_usage
            where
                charge_code = $charge_code
                and usage_period_start = $period_start
                and free_units <> 0
        )
"""
# What a recurring charge was made of: the price of all units, and how many of them.
PRICED = """
    select price_id, price_amount, charged_units, period_units, proration, corrected_charge_id,
        priced_amount
    from {source}
    where charge_id = $invoice_line_id
"""
OVERRIDE = """
    select files.file_name, overrides.record_number
    from staging.stg_landing__price_overrides as overrides
    inner join staging.stg_landing__files as files
        on overrides.file_id = files.file_id and files.file_status <> 'duplicate'
    where overrides.price_override_id = $price_id
    order by overrides.landing_sequence desc
    limit 1
"""
UNITS_OF_PERIOD = {"seconds": "seconds", "fixed_30": "days of months of 30"}
# What a reduction took off which line, and what it was taken on.
REDUCED = """
    select reductions.base_amount, reductions.amount, lines.line_number
    from {source} as reductions
    left join marts.fct_invoice_lines as lines
        on reductions.reduced_charge_id = lines.invoice_line_id
    where reductions.charge_id = $invoice_line_id
    order by lines.line_number
"""
COUPON = """
    select redemptions.coupon_id, redemptions.record_number, files.file_name
    from staging.stg_landing__coupon_redemptions as redemptions
    inner join staging.stg_landing__files as files
        on redemptions.file_id = files.file_id and files.file_status <> 'duplicate'
    where redemptions.redemption_id = $source_id
"""
ONE_OFF = """
    select files.file_name, charges.record_number
    from staging.stg_landing__one_off_charges as charges
    inner join staging.stg_landing__files as files
        on charges.file_id = files.file_id and files.file_status <> 'duplicate'
    where charges.one_off_charge_id = $source_id and charges.superseded_sequence is null
"""


class ExplainError(TollhouseError):
    """There is no such invoice or line."""


@dataclass(frozen=True)
class ExplainedRecord:
    """One rated record (or the part of it in one band): where it came from and what it cost.

    `record_number` counts the records of the file from 1, without its header; `record_id` is the
    record's own, empty where it has none. `place` is what it got its rate by.
    """

    file_name: str
    record_number: int
    record_id: str
    started_local: str
    direction: str
    other_number: str
    place: str
    arithmetic: str
    rated_amount: Decimal
    tariff_row: str


@dataclass(frozen=True)
class ExplainedLine:
    """One invoice line: how its amount follows, from which rows, and the first of its records."""

    line_number: int
    description: str
    charge_type: str
    charge_code: str
    subscription_id: str | None
    period_start: date
    period_end: date
    charge_amount: Decimal
    net_amount: Decimal
    arithmetic: tuple[str, ...]
    sources: tuple[str, ...]
    record_count: int
    records: tuple[ExplainedRecord, ...]


@dataclass(frozen=True)
class Explanation:
    """An invoice, or one line of it, back to records, tariff rows and the commit."""

    invoice_id: str
    invoice_number: str | None
    billing_status: str
    billing_account_id: str
    bill_date: date
    currency_code: str
    net_amount: Decimal
    tax_amount: Decimal
    total_amount: Decimal
    taxes: tuple[str, ...]
    pass_id: str
    commit_hash: str | None
    project_hash: str | None
    lines: tuple[ExplainedLine, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the explanation as plain values, for JSON."""
        return asdict(self)

    def as_text(self) -> str:
        """Return the explanation as a person reads it in a terminal."""
        return "\n".join(_text(self))


@dataclass(frozen=True)
class _Line:
    """A line with what is needed to explain it."""

    tariff: Tariff
    warehouse: duckdb.DuckDBPyConnection
    invoice: Row
    line: Row
    shown: int

    def rows(self, query: str, **more: Any) -> list[Row]:
        return read_rows(self.warehouse, query, {**self.invoice, **self.line, **more})

    def tariff_row(self, seed: str, row_id: str | None = None) -> TariffRow:
        return self.tariff.row(seed, row_id or self.line["source_id"])


def explain(
    settings: Settings,
    reference: str,
    line_number: int | None = None,
    shown_records: int | None = None,
) -> Explanation:
    """Explain an invoice by its number or id, or one line: `line_number`, or `reference` as N/LINE.

    `shown_records` limits the records shown per line (3 of an invoice, 20 of a line). Raises
    `ExplainError` with one line when there is no such invoice or line.
    """
    with open_warehouse(settings) as warehouse:
        invoice, line_number = _find(warehouse, reference, line_number)
        named = {**invoice, "line_number": line_number}
        lines = read_rows(warehouse, LINES, named)
        if not lines:
            raise ExplainError(f"invoice {reference} has no line {line_number}")
        is_issued = invoice["billing_status"] == "issued"
        source = (
            "staging.stg_issued__billed_usage" if is_issued else "intermediate.int_usage__rated"
        )
        read_rows(warehouse, KEEP_USAGE.format(source=source), invoice)
        shown = shown_records or (SHOWN_OF_INVOICE if line_number is None else SHOWN_OF_LINE)
        with tariff_of(settings, invoice["commit_hash"], invoice["project_hash"]) as tariff:
            explained = [
                _explain_line(_Line(tariff, warehouse, invoice, line, shown)) for line in lines
            ]
            taxes = [_tax_text(row, tariff) for row in read_rows(warehouse, TAXES, invoice)]
    kept = {name: invoice[name] for name in Explanation.__dataclass_fields__ if name in invoice}
    return Explanation(**kept, taxes=tuple(taxes), lines=tuple(explained))


def _find(
    warehouse: duckdb.DuckDBPyConnection, reference: str, line_number: int | None
) -> tuple[Row, int | None]:
    found = read_rows(warehouse, INVOICE, {"reference": reference})
    if not found:
        found = read_rows(warehouse, INVOICE, {"reference": reference.upper()})
    if found:
        return found[0], line_number
    before, slash, after = reference.rpartition("/")
    if slash and after.isdecimal() and line_number is None:
        return _find(warehouse, before, int(after))
    numbers = read_rows(warehouse, NUMBERS_OF_ACCOUNT, {"reference": reference})
    if numbers:
        listed = ", ".join(row["invoice_number"] for row in numbers)
        raise ExplainError(f"{reference} is an account; explain an invoice of it: {listed}")
    raise ExplainError(f"there is no invoice {reference}")


def _explain_line(one: _Line) -> ExplainedLine:
    arithmetic, sources, count, records = EXPLAINED[one.line["charge_type"]](one)
    line = one.line
    if line["priced_currency_code"] != line["currency_code"]:
        arithmetic.append(
            f"{plain(line['charge_amount'], 6)} {line['priced_currency_code']} x "
            f"{plain(line['exchange_rate'] or Decimal(0), 9)} = "
            f"{plain(line['converted_amount'], 6)} {line['currency_code']}"
        )
    rounded = (
        f"{plain(line['converted_amount'], 6)} rounded half-up = "
        f"{plain(line['net_amount'])} {line['currency_code']}"
    )
    return ExplainedLine(
        line_number=line["line_number"],
        description=line["description_en"],
        charge_type=line["charge_type"],
        charge_code=line["charge_code"],
        subscription_id=line["subscription_id"],
        period_start=line["period_start"],
        period_end=line["period_end"],
        charge_amount=line["charge_amount"],
        net_amount=line["net_amount"],
        arithmetic=(*arithmetic, rounded),
        sources=tuple(dict.fromkeys(sources)),
        record_count=count,
        records=tuple(records),
    )


_Explained = tuple[list[str], list[str], int, list[ExplainedRecord]]


def _usage(one: _Line) -> _Explained:
    rates = one.rows(RATES)
    arithmetic, sources = [], []
    if one.line["corrected_invoice_number"]:
        arithmetic.append(
            f"the period computed again, less what invoice {one.line['corrected_invoice_number']} "
            "and those after it billed"
        )
    for rate in rates:
        tariff_row = one.tariff_row(USAGE_RATES, rate["usage_rate_id"])
        unit = UNITS.get(rate["service"], "units")
        arithmetic.append(
            f"{counted(rate['record_count'], 'record')} at {rate['usage_rate_id']}"
            f"{' as billed before, taken back' if rate['is_reversal'] else ''}: "
            f"{_measured(rate['measured_units'], unit)}, {rate['units']:,} in increments, "
            f"{rate['free_units']:,} free, {rate['charged_units']:,} charged, "
            f"rated one by one = {plain(rate['rated_amount'], 6)}"
        )
        sources.append(f"{tariff_row}{_rate_changed(tariff_row, rate)}")
    if len(rates) > 1:
        amounts = " + ".join(plain(rate["rated_amount"], 6) for rate in rates)
        arithmetic.append(f"{amounts} = {plain(one.line['charge_amount'], 6)}")
    sources += _allowances(one, rates)
    records = [_record(one, segment) for segment in one.rows(SEGMENTS, shown=one.shown)]
    return arithmetic, sources, one.line["event_count"] or 0, records


def _measured(units: int, unit: str) -> str:
    return f"{counted(units, 'record') if unit == 'records' else f'{units:,} {unit}'} measured"


def _allowances(one: _Line, rates: list[Row]) -> list[str]:
    """Name the allowances that gave the line's free units, with what the pass drew on each."""
    if not any(rate["free_units"] for rate in rates):
        return []
    is_issued = one.invoice["billing_status"] == "issued"
    source = (
        "staging.stg_issued__allowance_draws"
        if is_issued
        else "intermediate.int_allowance_draws__summed"
    )
    named: dict[str, int] = {}
    for row in one.rows(DRAWS.format(source=source)):
        named[row["allowance_id"]] = named.get(row["allowance_id"], 0) + row["drawn_quantity"]
    texts = []
    for allowance_id, drawn in sorted(named.items()):
        tariff_row = one.tariff_row(ALLOWANCES, allowance_id)
        unit = tariff_row.values.get("unit", "units")
        texts.append(f"{tariff_row}; {drawn:,} {unit} of it drawn by the account in this pass")
    return texts


def _record(one: _Line, segment: Row) -> ExplainedRecord:
    tariff_row = one.tariff_row(USAGE_RATES, segment["usage_rate_id"])
    return ExplainedRecord(
        file_name=segment["file_name"] or "",
        record_number=segment["record_number"],
        record_id=segment["record_id"] or "",
        started_local=f"{segment['started_local']:%Y-%m-%d %H:%M:%S}",
        direction=segment["direction"],
        other_number=masked(segment["other_number"]),
        place=place_text(segment, one.tariff),
        arithmetic=(
            f"taken back as billed before = {plain(segment['rated_amount'], 6)}"
            if segment["is_reversal"]
            else record_text(segment, tariff_row, one.tariff)
        ),
        rated_amount=segment["rated_amount"],
        tariff_row=str(tariff_row),
    )


def _rate_changed(tariff_row: TariffRow, rate: Row) -> str:
    names = ("rate_amount", "per_units", "connect_amount")
    billed = [Decimal(rate[name]) for name in names]
    if tariff_row.values and billed != [Decimal(tariff_row.values[name]) for name in names]:
        return (
            f"; billed at {plain(rate['rate_amount'], 6)} per {rate['per_units']:,} + "
            f"{plain(rate['connect_amount'], 6)}: the row has changed since, see the commit"
        )
    return ""


def _recurring(one: _Line) -> _Explained:
    is_issued = one.invoice["billing_status"] == "issued"
    source = "staging.stg_issued__charges" if is_issued else "intermediate.int_charges__combined"
    [charge] = one.rows(PRICED.format(source=source))
    price, corrected = charge["price_amount"], charge["corrected_charge_id"]
    units, of_units = charge["charged_units"], charge["period_units"]
    counted = UNITS_OF_PERIOD.get(charge["proration"], "days")
    price = -price if corrected else price
    if charge["proration"] == "none":
        expected, text = price, f"{plain(price, 6)} a period, not prorated"
    else:
        expected = (price * units / of_units).quantize(MILLIONTH, ROUND_HALF_UP)
        text = (
            f"{plain(price, 6)} a period x {units:,} of {of_units:,} {counted} from "
            f"{one.line['period_start']}"
        )
    given_back = f", given back of {corrected}" if corrected else ""
    lines = [f"{text}{given_back} = {plain(expected, 6)}"]
    billed = charge["priced_amount"]
    if corrected and billed != expected:
        lines.append(f"cut to {plain(billed, 6)}: no more remained of it after earlier credits")
    elif billed != expected:
        lines.append(f"billed was {plain(billed, 6)}")
    return lines, _price_sources(one, charge["price_id"]), 0, []


def _price_sources(one: _Line, price_id: str | None) -> list[str]:
    """Return where the price stands: the tariff's row or phase, or the record that agreed on it."""
    own = one.tariff_row(RECURRING_CHARGES)
    if price_id in (None, one.line["source_id"]):
        return [str(own)]
    phase = one.tariff_row(PRICE_PHASES, price_id)
    if phase.values:
        return [str(phase), str(own)]
    agreed = one.rows(OVERRIDE, price_id=price_id)
    return [
        *(f"{price_id} ({row['file_name']}, record {row['record_number']})" for row in agreed),
        str(own),
    ]


def _reduced(one: _Line) -> list[Row]:
    is_issued = one.invoice["billing_status"] == "issued"
    source = (
        "staging.stg_issued__charge_reductions"
        if is_issued
        else "intermediate.int_charge_reductions__combined"
    )
    return one.rows(REDUCED.format(source=source))


def _lines_reduced(rows: list[Row]) -> str:
    numbers = [str(row["line_number"]) for row in rows]
    return f"line{'s' if len(numbers) > 1 else ''} {', '.join(numbers)}"


def _sum(rows: list[Row], name: str) -> Decimal:
    return sum((row[name] for row in rows), Decimal(0))


def _discount(one: _Line) -> _Explained:
    tariff_row = one.tariff_row(PROMOTIONS)
    if not tariff_row.values:
        return [], [str(tariff_row)], 0, []
    rows = _reduced(one)
    percent = Decimal(tariff_row.values["discount_percent"])
    shares = [(-row["base_amount"] * percent / 100) for row in rows]
    expected = sum(
        (share.quantize(MILLIONTH, ROUND_HALF_UP) for share in shares),
        Decimal(0),
    )
    text = (
        f"- {plain(percent, 0)} % of {plain(_sum(rows, 'base_amount'), 6)} "
        f"({_lines_reduced(rows)}) = {plain(expected, 6)}"
    )
    most = tariff_row.values["maximum_amount"]
    if most and one.line["charge_amount"] != expected:
        limited = f"cut to {plain(one.line['charge_amount'], 6)}: {most} a period is the most"
        return [text, limited], [str(tariff_row)], 0, []
    return [text, *_differs(one, expected)], [str(tariff_row)], 0, []


def _cap(one: _Line) -> _Explained:
    tariff_row = one.tariff_row(CHARGE_CAPS)
    rows = _reduced(one)
    most = tariff_row.values.get("maximum_amount", "?")
    text = (
        f"at most {most} a period; of {plain(_sum(rows, 'base_amount'), 6)} "
        f"({_lines_reduced(rows)}) {plain(one.line['charge_amount'], 6)} is over it"
    )
    return [text], [str(tariff_row)], 0, []


def _minimum(one: _Line) -> _Explained:
    tariff_row = one.tariff_row(COMMITMENTS)
    least = tariff_row.values.get("minimum_amount", "?")
    prorated = ", by days held" if tariff_row.values.get("proration") == "days" else ""
    text = f"missing to the minimum of {least} a period{prorated}"
    return [f"{text} = {plain(one.line['charge_amount'], 6)}"], [str(tariff_row)], 0, []


def _coupon(one: _Line) -> _Explained:
    rows = _reduced(one)
    found = one.rows(COUPON)
    if not found:
        return [], [one.line["source_id"]], 0, []
    tariff_row = one.tariff_row(COUPONS, found[0]["coupon_id"])
    percent = tariff_row.values.get("discount_percent")
    worth = f"{percent} %" if percent else tariff_row.values.get("discount_amount", "?")
    text = (
        f"coupon of {worth} on {plain(_sum(rows, 'base_amount'), 6)} "
        f"({_lines_reduced(rows)}) = {plain(one.line['charge_amount'], 6)}"
    )
    redeemed = (
        f"{one.line['source_id']} ({found[0]['file_name']}, record {found[0]['record_number']})"
    )
    return [text], [str(tariff_row), redeemed], 0, []


def _differs(one: _Line, expected: Decimal) -> list[str]:
    billed: Decimal = one.line["charge_amount"]
    if billed == expected:
        return []
    return [f"billed was {plain(billed, 6)}: the row has changed since, see the commit"]


def _one_off(one: _Line) -> _Explained:
    sources = [
        f"{one.line['source_id']} ({row['file_name']}, record {row['record_number']})"
        for row in one.rows(ONE_OFF)
    ]
    return [f"{plain(one.line['charge_amount'], 6)} as received"], sources, 0, []


def _fee(one: _Line) -> _Explained:
    tariff_row = one.tariff_row(FEES)
    percent = tariff_row.values.get("fee_percent")
    worth = f"{percent} % of what is left" if percent else tariff_row.values.get("fee_amount", "?")
    text = f"fee of {worth} = {plain(one.line['charge_amount'], 6)}"
    return [text], [str(tariff_row)], 0, []


EXPLAINED: dict[str, Callable[[_Line], _Explained]] = {
    "usage": _usage,
    "recurring": _recurring,
    "one_off": _one_off,
    "discount": _discount,
    "cap": _cap,
    "minimum": _minimum,
    "coupon": _coupon,
    "fee": _fee,
}


def _tax_text(row: Row, tariff: Tariff) -> str:
    tariff_row = tariff.row(TAX_RATES, row["tax_rate_id"])
    base = plain(row["taxable_amount"])
    if row["taxable_amount"] != row["net_amount"]:
        base = f"{plain(row['net_amount'])} and the taxes before it = {base}"
    why = f" ({row['exemption_reason']})" if row["exemption_reason"] else ""
    return (
        f"{row['tax_type']} {plain(row['tax_rate'] * 100, 0)} %{why} of "
        f"{base} rounded half-up = {plain(row['tax_amount'])}"
        f" by {tariff_row}"
    )


def _text(found: Explanation) -> list[str]:
    name = found.invoice_number or f"{found.invoice_id} ({found.billing_status})"
    lines = [
        f"Invoice {name} of account {found.billing_account_id}, bill date {found.bill_date}",
        f"{plain(found.net_amount)} net + {plain(found.tax_amount)} tax = "
        f"{plain(found.total_amount)} {found.currency_code}",
        *(f"tax: {tax}" for tax in found.taxes),
        f"pass {found.pass_id}, commit {found.commit_hash or 'unknown'}",
    ]
    for line in found.lines:
        lines += ["", *_line_text(line, found.currency_code)]
    return lines


def record_lines(record: ExplainedRecord) -> list[str]:
    """Return a record as a person reads it: its price, what it got that by, where it stands."""
    way = "from" if record.direction == "incoming" else "to"
    number = f" {way} {record.other_number}" if record.other_number else ""
    own = f", record_id {record.record_id}" if record.record_id else ""
    return [
        f"      {record.started_local}{number}: {record.arithmetic}",
        f"        {record.place}; {record.tariff_row}",
        f"        record {record.record_number} of {record.file_name}{own}",
    ]


def _line_text(line: ExplainedLine, currency: str) -> list[str]:
    head = f"Line {line.line_number}  {line.description}: {plain(line.net_amount)} {currency}"
    lines = [
        f"{head}  ({line.period_start} to {line.period_end}, {line.subscription_id or 'account'})"
    ]
    lines += [f"    {step}" for step in line.arithmetic]
    lines += [f"    from {source}" for source in line.sources]
    for record in line.records:
        lines += record_lines(record)
    more = line.record_count - len(line.records)
    if line.records and more > 0:
        lines.append(f"      and {more:,} more")
    return lines
