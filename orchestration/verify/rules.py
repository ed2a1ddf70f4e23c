"""Laws 7 and 8: no float near an amount, and no clock in the models."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from orchestration.verify.evidence import Evidence, literal
from orchestration.verify.law_check import Finding, checks

SCHEMAS = ("seeds", "staging", "intermediate", "marts")
FLOATS = "('DOUBLE', 'FLOAT', 'REAL')"

# Amount columns of marts without a currency of their own row, each with the reason.
NO_CURRENCY: Mapping[str, str] = {}

# Models that may read what they wrote themselves, each with the reason.
READS_ITSELF: Mapping[str, str] = {
    "int_usage__arrived": "finds the files and events that are done; never takes a figure",
    "int_usage_hours__summed": "finds the files that are done; never takes a figure",
}

COMMENTS = re.compile(r"\{#.*?#\}|/\*.*?\*/|--[^\n]*", re.DOTALL)
CLOCK = re.compile(
    r"\b(?:current_date|current_timestamp|current_time|localtimestamp|localtime|run_started_at"
    r"|now\s*\(|today\s*\(|getdate\s*\(|sysdate|modules\.datetime|unix_timestamp\s*\(\s*\)"
    r"|get_current_timestamp|transaction_timestamp|random\s*\(|rand\s*\(|uuid\s*\()",
    re.IGNORECASE,
)
FLOAT = re.compile(
    r"\b(?:as|::)\s*(?:double|float\d?|real)\b|\b\d+(?:\.\d*)?e[+-]?\d+\b", re.IGNORECASE
)
THIS = re.compile(r"\{\{\s*this\s*\}\}")


@checks("law 7", "no column is a binary float, in the warehouse or in landing")
def no_floats_in_stores(evidence: Evidence) -> Finding:
    """Look at the types that the engine and the Parquet files themselves declare."""
    schemas = ", ".join(literal(one) for one in SCHEMAS)
    columns = "select * from duckdb_columns() where database_name = 'warehouse'"
    (count,) = evidence.row(f"select count(*) from ({columns}) where schema_name in ({schemas})")
    problems = [
        f"{schema}.{table}.{column} is {kind}"
        for schema, table, column, kind in evidence.rows(
            f"""
            select schema_name, table_name, column_name, data_type from ({columns})
            where schema_name in ({schemas}) and regexp_matches(data_type, 'DOUBLE|FLOAT|REAL')
            order by all
            """
        )
    ]
    files = literal(evidence.settings.landing / "*" / "*" / "*.parquet")
    problems += [
        f"{Path(name).relative_to(evidence.settings.landing)}: {column} is {kind}"
        for name, column, kind in evidence.rows(
            f"""
            select distinct file_name, name, coalesce(type, logical_type)
            from parquet_schema({files})
            where type in ('DOUBLE', 'FLOAT')
            order by all
            """
        )
    ]
    (landed,) = evidence.row(f"select count(distinct file_name) from parquet_schema({files})")
    return Finding(f"{count:,} columns, {landed:,} Parquet files", problems)


@checks("law 7", "every amount of a mart is decimal and has its currency beside it")
def amounts_have_currency(evidence: Evidence) -> Finding:
    """Look at every mart column that is named an amount."""
    amounts = evidence.rows(
        """
        with columns as (
            select table_name, column_name, data_type
            from duckdb_columns()
            where database_name = 'warehouse' and schema_name = 'marts'
        )
        select
            table_name,
            column_name,
            data_type,
            table_name in (select table_name from columns where column_name = 'currency_code')
        from columns
        where regexp_matches(column_name, '(^|_)amount(_|$)')
        order by all
        """
    )
    problems = []
    for table, column, kind, has_currency in amounts:
        name = f"{table}.{column}"
        if not has_currency and name not in NO_CURRENCY:
            problems.append(f"{name} has no currency_code beside it")
        if not kind.startswith("DECIMAL"):
            problems.append(f"{name} is {kind}, not decimal")
    notes = [f"{name}: {reason}" for name, reason in NO_CURRENCY.items()]
    return Finding(f"{len(amounts)} amounts", problems, notes)


@checks("law 7", "no model computes with a binary float")
def no_floats_in_models(evidence: Evidence) -> Finding:
    """Scan the SQL for casts to a float and for literals that are one."""
    count, found = _scan(evidence, FLOAT)
    return Finding(f"{count} files", found)


@checks("law 8", "no model reads a clock or rolls a die")
def no_clock_in_models(evidence: Evidence) -> Finding:
    """Scan models, macros and tests, comments aside."""
    count, found = _scan(evidence, CLOCK)
    return Finding(f"{count} files", found)


@checks("law 1", "no model takes a figure from what it wrote before")
def models_do_not_read_themselves(evidence: Evidence) -> Finding:
    """Scan models for `this`; the exceptions are named in this module with their reason."""
    count, found = _scan(evidence, THIS)
    problems = [one for one in found if Path(one.split(":")[0]).stem not in READS_ITSELF]
    notes = [f"{name}: {reason}" for name, reason in READS_ITSELF.items()]
    return Finding(f"{count} files, {len(READS_ITSELF)} exception", problems, notes)


def strip_comments(sql: str) -> str:
    """Return SQL without comments; line breaks stay, so that line numbers do."""
    return COMMENTS.sub(lambda found: "\n" * found[0].count("\n"), sql)


def find_in_sql(sql: str, pattern: re.Pattern[str]) -> Iterator[tuple[int, str]]:
    """Yield line number and text of every match outside comments."""
    code = strip_comments(sql)
    for found in pattern.finditer(code):
        yield code.count("\n", 0, found.start()) + 1, " ".join(found[0].split())


def _scan(evidence: Evidence, pattern: re.Pattern[str]) -> tuple[int, list[str]]:
    project = evidence.settings.dbt_project
    paths = [
        path
        for folder in ("models", "macros", "tests")
        for path in sorted((project / folder).rglob("*.sql"))
    ]
    found = [
        f"{path.relative_to(project)}:{line}: {text}"
        for path in paths
        for line, text in find_in_sql(path.read_text(encoding="utf-8"), pattern)
    ]
    return len(paths), found


# Of the sources alone; the others also need the warehouse.
CHECKS = (models_do_not_read_themselves, no_floats_in_models, no_clock_in_models)
WAREHOUSE_CHECKS = (no_floats_in_stores, amounts_have_currency)
