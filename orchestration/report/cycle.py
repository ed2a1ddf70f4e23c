"""The cycle report: marts to one page for finance. Rows are carried, nothing is computed."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TypeVar

import duckdb

from orchestration.lib.files import write_atomically
from orchestration.lib.warehouse import Row, open_warehouse, read_rows
from orchestration.report import queries
from orchestration.settings import Settings
from renderers.invoice import PastBill
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
    TaxTotal,
    render_report,
)

Section = TypeVar("Section")
NOT_SHOWN = ("legal_entity_id", "bill_cycle_id")


def write_cycle_report(settings: Settings, bill_date: date, generated_at: datetime) -> Path:
    """Write the report of every bill run of a date to `reports/<bill_date>.html`; return its path.

    A later report of the date replaces it, in one step. The page names accounts by id only.
    """
    with open_warehouse(settings) as warehouse:
        reports = read_reports(warehouse, bill_date, generated_at)
    path = settings.reports / f"{bill_date.isoformat()}.html"
    write_atomically(path, render_report(*reports).encode())
    return path


def read_reports(
    warehouse: duckdb.DuckDBPyConnection, bill_date: date, generated_at: datetime
) -> list[CycleReport]:
    """Return one report per bill run and currency of the date, as the renderer takes them."""
    sections = read_rows(warehouse, queries.SECTIONS, {"bill_date": bill_date})
    return [_report(warehouse, section, generated_at) for section in sections]


def _report(
    warehouse: duckdb.DuckDBPyConnection, section: Row, generated_at: datetime
) -> CycleReport:
    def one(query: str) -> Row:
        return read_rows(warehouse, query, section)[0]

    def every(made: type[Section], query: str) -> tuple[Section, ...]:
        return tuple(made(**row) for row in read_rows(warehouse, query, section))

    return CycleReport(
        **{name: value for name, value in section.items() if name not in NOT_SHOWN},
        **one(queries.APPROVERS),
        **one(queries.NOT_BILLED),
        **one(queries.AS_OF),
        generated_at=generated_at,
        passes=every(BillPass, queries.PASSES),
        revenue_by_charge_type=every(Revenue, queries.REVENUE_BY_CHARGE_TYPE),
        revenue_by_charge=every(Revenue, queries.REVENUE_BY_CHARGE),
        revenue_by_plan=every(Revenue, queries.REVENUE_BY_PLAN),
        revenue_by_region=every(Revenue, queries.REVENUE_BY_REGION),
        taxes=every(TaxTotal, queries.TAXES),
        held_by_rule=every(HeldByRule, queries.HELD_BY_RULE),
        held_accounts=every(HeldAccount, queries.HELD_ACCOUNTS),
        suspense=every(Exceptions, queries.SUSPENSE),
        rejected=every(Exceptions, queries.REJECTED),
        refused_files=every(RefusedFile, queries.REFUSED_FILES),
        unmatched_payments=every(Exceptions, queries.UNMATCHED_PAYMENTS),
        fates=_fates(read_rows(warehouse, queries.FATES, section)),
        control_totals=every(ControlTotal, queries.CONTROL_TOTALS),
        deliveries=every(Delivery, queries.DELIVERIES),
        payments=every(PaymentStatus, queries.PAYMENTS),
        ageing=every(Ageing, queries.AGEING),
        kpis=every(Kpi, queries.KPIS),
        past_runs=every(PastBill, queries.PAST_RUNS),
    )


def _fates(rows: list[Row]) -> tuple[Fate, ...]:
    found = []
    for key, parts in groupby(rows, key=itemgetter("name", "unit", "label", "total")):
        name, unit, label, total = key
        quantities: tuple[tuple[str, Decimal], ...] = tuple(
            (part["part"], part["quantity"]) for part in parts
        )
        found.append(Fate(name, unit, label, total, quantities))
    return tuple(found)
