"""Every macro with a body of its own for Spark gives there what it gives on DuckDB.

The money macros hold on DuckDB against exact fractions (`test_money_macros.py`); here both engines
compute the same tables of edges and of thousands of random figures.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import duckdb
import pytest
from on_spark import differences, query_spark, require_spark
from project_macros import load_macros

MILLION = 10**6
LARGEST = 10**18 - 1
ZONES = (
    "UTC",
    "Europe/Berlin",
    "Europe/Lisbon",
    "America/New_York",
    "America/Sao_Paulo",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Apia",
)
FIGURES = 5_000


def _fits(exact: Fraction) -> bool:
    return abs(exact) * MILLION < LARGEST


def _numbers(draw: random.Random) -> Iterator[tuple[int, ...]]:
    """Give rows of millionths and units whose results fit a decimal(18,6)."""
    while True:
        size = draw.choice((10**3, 10**6, 10**9, 10**12, LARGEST))
        amount = draw.randint(-size, size)
        quantity = draw.randint(-(10 ** draw.randint(1, 15)), 10 ** draw.randint(1, 15))
        per = draw.choice((1, 2, 60, 100, 1024, 2**20, 2**30, draw.randint(1, 10**9)))
        top, bottom = (draw.randint(-(10**26) + 1, 10**26 - 1) for _ in range(2))
        bottom = draw.choice((bottom, 0, 3, -7, bottom // 10 ** draw.randint(0, 20)))
        price = Fraction(amount, MILLION) * quantity / per
        ratio = Fraction(top, bottom) if bottom else Fraction(0)
        rate = draw.randint(0, 10**9)
        if _fits(price) and _fits(ratio) and _fits(Fraction(amount, MILLION) * rate / MILLION):
            yield (amount, quantity, per, top, bottom, rate, draw.randint(0, 4))


def _days() -> Iterator[date]:
    day = date(2023, 12, 1)
    while day < date(2028, 4, 1):
        yield day
        day += timedelta(days=1)
    yield from (date(2010, 1, 1), date(2010, 1, 31), date(1999, 12, 31), date(9999, 12, 31))


def _instants() -> Iterator[datetime]:
    """Give each quarter of an hour around the clock changes of the zones above."""
    for start in ("2011-12-29", "2026-03-08", "2026-03-28", "2026-04-04", "2026-10-03"):
        yield from (datetime.fromisoformat(start) + timedelta(minutes=15 * n) for n in range(300))
    for start in ("2026-10-24", "2026-10-31", "2018-11-03", "2026-02-14", "2026-03-21"):
        yield from (datetime.fromisoformat(start) + timedelta(minutes=15 * n) for n in range(300))


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The tables that both engines compute over, as Parquet by DuckDB."""
    folder = tmp_path_factory.mktemp("tables")
    draw = random.Random(7)  # noqa: S311 - figures to try, no secret
    rows = _numbers(draw)
    money = [next(rows) for _ in range(FIGURES)]
    days = [(day, draw.randint(-30, 30), draw.randint(1, 31)) for day in _days()]
    times = [(instant, zone) for instant in _instants() for zone in ZONES]
    written = {}
    with duckdb.connect() as sql:
        sql.execute(
            "create table money (amount decimal(18, 6), quantity bigint, per bigint,"
            " numerator decimal(28, 6), denominator decimal(28, 6), rate decimal(18, 6),"
            " minor_units integer)"
        )
        sql.executemany(
            "insert into money select a::hugeint::decimal(28, 0) * 0.000001, q, p,"
            " t::hugeint::decimal(28, 0) * 0.000001::decimal(6, 6),"
            " b::hugeint::decimal(28, 0) * 0.000001::decimal(6, 6), r * 0.000001, m"
            " from (select ?::varchar as a, ?::bigint as q, ?::bigint as p, ?::varchar as t,"
            " ?::varchar as b, ?::bigint::decimal(18, 0) as r, ?::integer as m)",
            [[str(a), q, p, str(t), str(b), r, m] for a, q, p, t, b, r, m in money],
        )
        sql.execute("create table days (on_date date, months integer, anchor_day integer)")
        sql.executemany("insert into days values (?, ?, ?)", days)
        sql.execute("create table times (instant timestamp, time_zone varchar)")
        instants, zones = map(list, zip(*times, strict=True))
        sql.execute("insert into times select unnest(?), unnest(?)", [instants, zones])
        for name in ("money", "days", "times"):
            written[name] = folder / f"{name}.parquet"
            sql.table(name).write_parquet(str(written[name]))
    return written


def macro_queries(engine: str) -> dict[str, str]:
    """Return the macros of one engine as the columns of a query per table."""
    macros = load_macros(engine)
    steps = "cast(mod(abs(quantity), 100000) as bigint)"
    later = macros.add_seconds("instant", 59)
    columns = {
        "money": {
            "price": macros.price_units("amount", "quantity", "per"),
            "prorated": macros.prorate("amount", "cast(mod(abs(quantity), 31) as bigint)", 31),
            "rounded_event": macros.round_event(
                "rate",
                "case mod(per, 3) when 0 then 'up' when 1 then 'down' else 'half_up' end",
                "minor_units",
            ),
            "share": macros.share_of("amount", "rate", 1),
            "percent": macros.share_of("amount", "rate", 100),
            "part": macros.part_of(
                "rate", "cast(mod(per, 7) as decimal(18, 6))", "cast(7 as decimal(18, 6))"
            ),
            "ratio": macros.ratio_of("numerator", "denominator"),
            "rounded": macros.round_money("rate", "minor_units"),
            "turned": macros.round_money("-rate", "minor_units"),
            "half": macros.half_minor_unit("minor_units"),
            "units": f"cast({macros.round_up_units(steps, 60, 30, 'quantity > 0')} as bigint)",
            "whole": macros.integer_divide("abs(quantity)", "per"),
        },
        "days": {
            "later": macros.add_months("on_date", "months"),
            "first": macros.first_of_month("on_date"),
            "first_later": macros.first_of_month("on_date", "months"),
            "anchor": macros.anchor_date("on_date", "anchor_day"),
            "moved": macros.add_days("on_date", "months"),
            "weekday": f"cast({macros.iso_weekday('on_date')} as bigint)",
            "between": "cast("
            + macros.days_between("on_date", macros.add_months("on_date", "months"))
            + " as bigint)",
        },
        "times": {
            "local_time": macros.to_local_time("instant", "time_zone"),
            "utc": macros.to_utc("instant", "time_zone"),
            "there_and_back": macros.to_utc(
                macros.to_local_time("instant", "time_zone"), "time_zone"
            ),
            "midnight": macros.to_utc("cast(instant as date)", "time_zone"),
            "moved": macros.add_seconds("instant", 3661),
            "seconds": f"cast({macros.seconds_between('instant', later)} as bigint)",
        },
    }
    selected = {
        table: f"select {table}.*, "
        + ", ".join(f"{expression} as {name}" for name, expression in expressions.items())
        + f" from {table}"
        for table, expressions in columns.items()
    }
    median, joined = macros.lower_median("per"), macros.ordered_string_agg("cast(rate as string)")
    selected["groups"] = (
        f"select minor_units, {median} as median, md5({joined}) as joined"
        " from money group by minor_units"
    )
    selected["counted"] = f"select number from {macros.numbers(12)} as numbers"
    return selected


@pytest.fixture(scope="module")
def both(tables: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what each engine made of each table."""
    require_spark()
    folder = tmp_path_factory.mktemp("both")
    with duckdb.connect() as sql:
        sql.execute("set TimeZone = 'UTC'")
        for name, path in tables.items():
            sql.execute(f"create view {name} as from '{path}'")
        for name, query in macro_queries("duckdb").items():
            sql.execute(f"copy ({query}) to '{folder / name}.parquet'")
    query_spark(folder, tables, macro_queries("spark"))
    return folder


@pytest.mark.heavy
@pytest.mark.parametrize("name", ["money", "days", "times", "groups", "counted"])
def test_both_engines_make_the_same_of_it(both: Path, name: str) -> None:
    assert differences(f"'{both / name}.parquet'", f"'{both / name}/*.parquet'") == []


@pytest.mark.heavy
@pytest.mark.parametrize(
    "query",
    [
        f"select {load_macros('spark').price_units('amount', 'quantity', '1')} as price from one",
        f"select {load_macros('spark').ratio_of('amount', 'tiny')} as ratio from one",
    ],
)
def test_what_does_not_fit_is_an_error_on_spark_and_never_a_figure(
    tmp_path: Path, query: str
) -> None:
    require_spark()
    one = (
        "select cast(999999999999 as decimal(18, 6)) as amount,"
        " cast(10000000 as bigint) as quantity, cast(0.000001 as decimal(18, 6)) as tiny"
    )
    with pytest.raises(AssertionError, match=r"OVERFLOW|OUT_OF_RANGE|out of range"):
        query_spark(tmp_path, {}, {"never": query.replace("from one", f"from ({one}) as one")})
