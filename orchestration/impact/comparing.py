"""The comparison of two sides: rows of SQL carried into what is shown, nothing is computed here."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import duckdb

from orchestration.impact import queries
from orchestration.impact.changes import Changes
from orchestration.impact.sides import SideResult
from orchestration.lib.warehouse import Row, read_rows
from orchestration.scratch.as_of import AsOf
from renderers.impact import (
    AccountChange,
    CurrencyImpact,
    FindingChange,
    ImpactReport,
    LineChange,
    OutcomeChange,
    RevenueChange,
    Spread,
    SuspenseChange,
)

Made = TypeVar("Made")
BREAKING_WITH_LINES = 20


def compare_sides(
    before: SideResult,
    after: SideResult,
    as_of: AsOf,
    changes: Changes,
    shown: int,
    max_percent: Decimal | None,
) -> ImpactReport:
    """Compare the results of two sides; `shown` biggest movers come with their lines.

    So do some of the largest that move against them.
    """
    with duckdb.connect() as sql:
        _attach(sql, before.results, "before")
        _attach(sql, after.results, "after")
        for statement in (queries.PERCENT_OF, queries.ACCOUNTS, queries.LINES):
            sql.execute(statement)

        def every(made: type[Made], query: str) -> tuple[Made, ...]:
            return tuple(made(**row) for row in read_rows(sql, query))

        return ImpactReport(
            before=before.tree.label,
            after=after.tree.label,
            bill_date=as_of.bill_date,
            passes=as_of.pass_ids,
            files=changes.files,
            seed_changes=changes.rows,
            currencies=tuple(
                _currency(sql, row, shown, max_percent)
                for row in read_rows(sql, queries.CURRENCIES)
            ),
            findings=every(FindingChange, queries.FINDINGS),
            outcomes=every(OutcomeChange, queries.OUTCOMES),
            suspended=every(SuspenseChange, queries.SUSPENDED),
            max_percent=max_percent,
        )


def _attach(sql: duckdb.DuckDBPyConnection, path: Path, name: str) -> None:
    escaped = str(path).replace("'", "''")
    sql.execute(f"attach '{escaped}' as {name} (read_only)")


def _currency(
    sql: duckdb.DuckDBPyConnection, currency: Row, shown: int, max_percent: Decimal | None
) -> CurrencyImpact:
    given = {**currency, "shown": shown, "max_percent": max_percent}

    def revenue(query: str) -> tuple[RevenueChange, ...]:
        return tuple(RevenueChange(**row) for row in read_rows(sql, query, given))

    (summary,) = read_rows(sql, queries.SUMMARY, given)
    spreads = {
        kind: Spread(*(summary.pop(f"{kind}_{part}") for part in ("p50", "p95", "max")))
        for kind in ("amount", "percent")
    }
    breaking: list[Row] = []
    if max_percent is not None:
        breaking = read_rows(sql, queries.BREAKING, given)
    return CurrencyImpact(
        **currency,
        **summary,
        amounts=spreads["amount"],
        percents=spreads["percent"],
        steps=tuple(
            (row["label"], row["account_count"]) for row in read_rows(sql, queries.STEPS, given)
        ),
        by_plan=revenue(queries.REVENUE_BY_PLAN),
        by_zone=revenue(queries.REVENUE_BY_ZONE),
        by_charge_type=revenue(queries.REVENUE_BY_CHARGE_TYPE),
        by_charge=revenue(queries.REVENUE_BY_CHARGE),
        movers=tuple(_account(sql, row, given) for row in read_rows(sql, queries.MOVERS, given)),
        opposite=tuple(
            _account(sql, row, given) for row in read_rows(sql, queries.OPPOSITE, given)
        ),
        breaking=tuple(
            _account(sql, row, given, with_lines=number < BREAKING_WITH_LINES)
            for number, row in enumerate(breaking)
        ),
    )


def _account(
    sql: duckdb.DuckDBPyConnection, row: Row, given: dict[str, Any], *, with_lines: bool = True
) -> AccountChange:
    named = {**given, "billing_account_id": row["billing_account_id"]}
    lines = read_rows(sql, queries.MOVED_LINES, named) if with_lines else []
    return AccountChange(**row, lines=tuple(LineChange(**line) for line in lines))
