"""The money macros on DuckDB against exact fractions: a difference of one millionth fails.

The macros are rendered from the project's own files by a few lines of Jinja instead of dbt, so that
thousands of figures take seconds.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import duckdb
import pytest
from hypothesis import assume, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from project_macros import load_macros

MILLION = 10**6
# What a decimal(18,6) holds, in millionths.
LARGEST = 10**18 - 1

examples.register_profile("money", max_examples=300, deadline=None)
examples.register_profile("money-ci", max_examples=1500, deadline=None, derandomize=True)
examples.load_profile("money-ci" if os.environ.get("CI") else "money")

MONEY = load_macros()
PRICE_UNITS = MONEY.price_units("amount", "quantity", "per")
PRORATE = MONEY.prorate("amount", "quantity", "per")
EVENT_AMOUNT = MONEY.round_event(
    MONEY.event_amount("amount", "quantity", "connect_amount", "rate"),
    "rate.rounding_method",
    "rate.rounding_decimals",
)
RATIO_OF = MONEY.ratio_of("numerator", "denominator")
ROUND_MONEY = MONEY.round_money("amount", "minor_units")
HALF_MINOR_UNIT = MONEY.half_minor_unit("minor_units")
ROUND_UP_UNITS = MONEY.round_up_units("units", "initial", "additional", "is_first")


@pytest.fixture(scope="module")
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty warehouse in memory."""
    with duckdb.connect() as connection:
        yield connection


def compute(
    warehouse: duckdb.DuckDBPyConnection, expression: str, /, **columns: tuple[object, str]
) -> Any:
    """Evaluate an expression over one row whose columns have the given values and types."""
    names = ", ".join(f"cast(${name} as {kind}) as {name}" for name, (_, kind) in columns.items())
    values = {name: value for name, (value, _) in columns.items()}
    return warehouse.execute(f"select {expression} from (select {names})", values).fetchall()[0][0]


def half_up(exact: Fraction, digits: int) -> Decimal:
    """Round half away from zero, in whole numbers only."""
    scaled = abs(exact) * 10**digits
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return Decimal(whole if exact >= 0 else -whole).scaleb(-digits)


def millionths(value: int) -> Decimal:
    return Decimal(value).scaleb(-6)


def fits(exact: Fraction) -> bool:
    return abs(half_up(exact, 6)) <= millionths(LARGEST)


def at_and_around(*edges: int) -> st.SearchStrategy[int]:
    """The edges themselves and their neighbours, where rounding and overflow go wrong."""
    return st.sampled_from(sorted({edge + step for edge in edges for step in (-1, 0, 1)}))


amounts = st.one_of(
    st.integers(-LARGEST, LARGEST), st.integers(-100 * MILLION, 100 * MILLION), at_and_around(0)
).map(millionths)
quantities = st.one_of(st.integers(-(10**15), 10**15), st.integers(0, 10**5), at_and_around(0))
pers = st.one_of(
    st.integers(1, 10**9), st.integers(1, 60), st.sampled_from([1, 2, 60, 1024, 1048576, 2**30])
)


@given(amount=amounts, quantity=quantities, per=pers)
def test_a_price_is_the_exact_fraction_rounded_once(
    warehouse: duckdb.DuckDBPyConnection, amount: Decimal, quantity: int, per: int
) -> None:
    exact = Fraction(amount) * quantity / per
    assume(fits(exact))
    for expression in (PRICE_UNITS, PRORATE):
        assert compute(
            warehouse,
            expression,
            amount=(amount, "decimal(18, 6)"),
            quantity=(quantity, "bigint"),
            per=(per, "bigint"),
        ) == half_up(exact, 6)


@given(price=st.integers(1, 10**6), volume=st.integers(10**14, 10**15))
def test_a_price_per_byte_stays_exact_for_a_petabyte(
    warehouse: duckdb.DuckDBPyConnection, price: int, volume: int
) -> None:
    exact = Fraction(price, MILLION) * volume / 2**30
    for sign in (1, -1):
        assert compute(
            warehouse,
            PRICE_UNITS,
            amount=(millionths(sign * price), "decimal(18, 6)"),
            quantity=(volume, "bigint"),
            per=(2**30, "bigint"),
        ) == half_up(sign * exact, 6)


@given(half=st.integers(0, 10**9), per=st.sampled_from([2, 4, 60, 100, 1048576]))
def test_half_a_millionth_goes_away_from_zero(
    warehouse: duckdb.DuckDBPyConnection, half: int, per: int
) -> None:
    # (2 half + 1) / 2 millionths, as a price per `per` units of which per / 2 are used.
    odd = 2 * half + 1
    for sign in (1, -1):
        assert compute(
            warehouse,
            PRICE_UNITS,
            amount=(millionths(sign * odd), "decimal(18, 6)"),
            quantity=(per // 2, "bigint"),
            per=(per, "bigint"),
        ) == millionths(sign * (half + 1))


@given(
    amount=st.integers(10**15, LARGEST).map(millionths),
    quantity=st.integers(10**8, 10**15),
    per=st.integers(1, 1024),
)
def test_a_price_that_does_not_fit_is_an_error_and_never_a_figure(
    warehouse: duckdb.DuckDBPyConnection, amount: Decimal, quantity: int, per: int
) -> None:
    assume(not fits(Fraction(amount) * quantity / per))
    with pytest.raises(duckdb.Error):
        compute(
            warehouse,
            PRICE_UNITS,
            amount=(amount, "decimal(18, 6)"),
            quantity=(quantity, "bigint"),
            per=(per, "bigint"),
        )


@given(amount=st.integers(-(10**12), 10**12).map(millionths), days=st.integers(28, 366))
def test_the_days_of_a_period_add_up_to_its_price(
    warehouse: duckdb.DuckDBPyConnection, amount: Decimal, days: int
) -> None:
    whole, part, rest = (
        compute(
            warehouse,
            PRORATE,
            amount=(amount, "decimal(18, 6)"),
            quantity=(charged, "bigint"),
            per=(days, "bigint"),
        )
        for charged in (days, days // 3, days - days // 3)
    )
    assert whole == amount
    assert abs(part + rest - amount) <= millionths(1)


@given(
    amount=st.integers(-(10**15), 10**15).map(millionths),
    rate=st.one_of(
        st.integers(0, 1000 * MILLION), st.sampled_from([190000, 160000, 50 * MILLION])
    ).map(millionths),
    base=st.sampled_from([1, 100]),
)
def test_a_share_is_the_exact_fraction_rounded_once(
    warehouse: duckdb.DuckDBPyConnection, amount: Decimal, rate: Decimal, base: int
) -> None:
    exact = Fraction(amount) * Fraction(rate) / base
    assume(fits(exact))
    assert compute(
        warehouse,
        MONEY.share_of("amount", "rate", base),
        amount=(amount, "decimal(18, 6)"),
        rate=(rate, "decimal(10, 6)"),
    ) == half_up(exact, 6)


large_amounts = st.one_of(
    st.integers(-(10**26) + 1, 10**26 - 1),
    st.integers(-(10**9), 10**9),
    at_and_around(0, 10**26 - 2),
).map(millionths)


@given(numerator=large_amounts, denominator=large_amounts)
def test_a_ratio_is_the_exact_fraction_and_null_over_zero(
    warehouse: duckdb.DuckDBPyConnection, numerator: Decimal, denominator: Decimal
) -> None:
    expected = None
    if denominator:
        exact = Fraction(numerator) / Fraction(denominator)
        assume(fits(exact))
        expected = half_up(exact, 6)
    assert (
        compute(
            warehouse,
            RATIO_OF,
            numerator=(numerator, "decimal(28, 6)"),
            denominator=(denominator, "decimal(28, 6)"),
        )
        == expected
    )


@given(amount=amounts, minor_units=st.integers(0, 4))
def test_money_is_rounded_to_the_minor_unit_half_away_from_zero(
    warehouse: duckdb.DuckDBPyConnection, amount: Decimal, minor_units: int
) -> None:
    columns = {
        "amount": (amount, "decimal(18, 6)"),
        "minor_units": (minor_units, "integer"),
    }
    rounded = compute(warehouse, ROUND_MONEY, **columns)
    assert rounded == half_up(Fraction(amount), minor_units)
    assert abs(rounded - amount) <= compute(warehouse, HALF_MINOR_UNIT, **columns)


@given(cents=st.integers(-(10**10), 10**10), minor_units=st.integers(0, 4))
def test_half_a_minor_unit_goes_away_from_zero_and_a_millionth_less_towards_it(
    warehouse: duckdb.DuckDBPyConnection, cents: int, minor_units: int
) -> None:
    sign = -1 if cents < 0 else 1
    half = (Decimal(cents) + sign * Decimal("0.5")).scaleb(-minor_units)
    below = half - sign * millionths(1)
    for amount, expected in ((half, cents + sign), (below, cents)):
        assert compute(
            warehouse,
            ROUND_MONEY,
            amount=(amount, "decimal(18, 6)"),
            minor_units=(minor_units, "integer"),
        ) == Decimal(expected).scaleb(-minor_units)


increments = st.one_of(st.integers(1, 10**6), st.sampled_from([1, 6, 30, 60, 10240]))


@given(
    units=st.one_of(st.integers(0, 10**15), st.integers(0, 200)),
    initial=increments,
    additional=increments,
    is_first=st.booleans(),
)
def test_units_are_rounded_up_to_whole_increments(
    warehouse: duckdb.DuckDBPyConnection, units: int, initial: int, additional: int, is_first: bool
) -> None:
    begins_with = initial if is_first else 0
    beyond = max(units - begins_with, 0)
    expected = begins_with + -(-beyond // additional) * additional if units else 0
    assert (
        compute(
            warehouse,
            ROUND_UP_UNITS,
            units=(units, "bigint"),
            initial=(initial, "bigint"),
            additional=(additional, "bigint"),
            is_first=(is_first, "boolean"),
        )
        == expected
    )


@given(steps=st.integers(0, 10**6), initial=increments, additional=increments, more=st.booleans())
def test_a_full_increment_is_not_exceeded_and_one_unit_more_begins_the_next(
    warehouse: duckdb.DuckDBPyConnection, steps: int, initial: int, additional: int, more: bool
) -> None:
    full = initial + steps * additional
    assert compute(
        warehouse,
        ROUND_UP_UNITS,
        units=(full + more, "bigint"),
        initial=(initial, "bigint"),
        additional=(additional, "bigint"),
        is_first=(True, "boolean"),
    ) == full + (additional if more else 0)


def rounded(exact: Fraction, method: str | None, decimals: int) -> Fraction:
    """Round an amount of an event as a person reads the tariff."""
    scaled = abs(exact) * Fraction(10) ** decimals
    whole = {
        "up": math.ceil(scaled),
        "down": math.floor(scaled),
        "half_up": math.floor(scaled + Fraction(1, 2)),
    }.get(method or "", scaled)
    return (1 if exact >= 0 else -1) * whole / Fraction(10) ** decimals


@given(
    units=st.one_of(st.none(), st.integers(-(10**6), 10**6), at_and_around(0)),
    cost=st.one_of(st.integers(0, 10**9), at_and_around(0, 10**4, 10**6)).map(abs).map(millionths),
    connect=st.integers(0, 10**6).map(millionths),
    minimum=st.one_of(st.none(), st.integers(0, 10**7).map(millionths)),
    maximum=st.one_of(st.none(), st.integers(10**7, 10**8).map(millionths)),
    strategy=st.sampled_from(["free", "disconnect"]),
    method=st.sampled_from([None, "none", "up", "down", "half_up"]),
    decimals=st.integers(-3, 6),
)
def test_an_event_costs_its_units_and_fee_within_its_bounds_rounded(
    warehouse: duckdb.DuckDBPyConnection,
    units: int | None,
    cost: Decimal,
    connect: Decimal,
    minimum: Decimal | None,
    maximum: Decimal | None,
    strategy: str,
    method: str | None,
    decimals: int,
) -> None:
    exact = Fraction(cost) + Fraction(connect)
    if minimum is not None:
        exact = max(exact, Fraction(minimum))
    if maximum is not None and strategy == "free":
        exact = min(exact, Fraction(maximum))
    side = 0 if not units else 1 if units > 0 else -1
    found = warehouse.execute(
        f"select {EVENT_AMOUNT} from (select $units::bigint as quantity,"
        " $cost::decimal(18, 6) as amount, $connect::decimal(18, 6) as connect_amount) as event"
        " cross join (select $minimum::decimal(18, 6) as minimum_amount,"
        " $maximum::decimal(18, 6) as maximum_amount, $strategy as maximum_strategy,"
        " $method as rounding_method, $decimals::integer as rounding_decimals) as rate",
        {
            "units": units,
            "cost": cost * side,
            "connect": connect,
            "minimum": minimum,
            "maximum": maximum,
            "strategy": strategy if maximum is not None else None,
            "method": method,
            "decimals": decimals if method not in (None, "none") else None,
        },
    ).fetchall()[0][0]
    assert Fraction(found) == side * rounded(exact, method, decimals)


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        (PRICE_UNITS, "DECIMAL(18,6)"),
        (PRORATE, "DECIMAL(18,6)"),
        (MONEY.round_event("amount", "'up'", "minor_units"), "DECIMAL(18,6)"),
        (MONEY.share_of("amount", "rate", 100), "DECIMAL(18,6)"),
        (RATIO_OF, "DECIMAL(18,6)"),
        (ROUND_MONEY, "DECIMAL(18,4)"),
    ],
)
def test_money_is_never_a_float(
    warehouse: duckdb.DuckDBPyConnection, expression: str, kind: str
) -> None:
    found = compute(
        warehouse,
        f"typeof({expression})",
        amount=(Decimal("1.5"), "decimal(18, 6)"),
        rate=(Decimal(19), "decimal(9, 6)"),
        quantity=(2, "bigint"),
        per=(3, "bigint"),
        connect_amount=(Decimal("0.1"), "decimal(18, 6)"),
        numerator=(Decimal(1), "decimal(28, 6)"),
        denominator=(Decimal(3), "decimal(28, 6)"),
        minor_units=(2, "integer"),
    )
    assert found == kind
