"""Document numbers: no gap, no repeat, no way back in time."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import select

from orchestration.ledger.errors import LedgerError, LedgerRuleError
from orchestration.ledger.numbers import IssuedDocument, NewDocument, take_numbers
from orchestration.ledger.schema import documents
from orchestration.ledger.store import Ledger, open_ledger

NOVEMBER = date(2026, 11, 1)


def new(document_id: str, **other: Any) -> NewDocument:
    facts: dict[str, Any] = {
        "document_type": "invoice",
        "pass_id": "p",
        "billing_account_id": f"account of {document_id}",
        "currency_code": "EUR",
        "total_amount": Decimal("12.34"),
    }
    return NewDocument(document_id=document_id, **facts | other)


def take(
    ledger: Ledger,
    *ids: str,
    on: date = NOVEMBER,
    entity: str = "nordwind",
    series: str = "R",
    prefix: str = "NW",
) -> list[IssuedDocument]:
    with ledger.write() as connection:
        return take_numbers(connection, entity, series, on, [new(name) for name in ids], prefix)


def test_numbers_follow_the_order_given_and_say_entity_series_and_year(ledger: Ledger) -> None:
    first = take(ledger, "b", "a")
    second = take(ledger, "c", on=NOVEMBER + timedelta(days=30))
    assert [(each.document_id, each.document_number) for each in first + second] == [
        ("b", "NW-R-2026-000001"),
        ("a", "NW-R-2026-000002"),
        ("c", "NW-R-2026-000003"),
    ]
    assert second[0].total_amount == Decimal("12.3400")


def test_each_entity_series_and_year_counts_for_itself(ledger: Ledger) -> None:
    take(ledger, "a")
    assert take(ledger, "b", series="G")[0].document_number == "NW-G-2026-000001"
    other = take(ledger, "c", entity="suedwind", prefix="SW")
    assert other[0].document_number == "SW-R-2026-000001"
    assert take(ledger, "d", on=date(2027, 1, 1))[0].document_number == "NW-R-2027-000001"
    assert take(ledger, "e", on=date(2027, 1, 1))[0].number == 2


def test_a_document_keeps_its_number(ledger: Ledger) -> None:
    first = take(ledger, "a", "b")
    again = take(ledger, "c", "b", "a", "c")
    assert again[1:3] == [first[1], first[0]]
    assert again[0] == again[3]
    assert again[0].number == 3


def test_a_document_that_has_its_number_may_be_asked_for_after_later_ones(ledger: Ledger) -> None:
    first = take(ledger, "a")
    take(ledger, "b", on=NOVEMBER + timedelta(days=1))
    assert take(ledger, "a") == first


def test_a_series_never_goes_back_in_time(ledger: Ledger) -> None:
    take(ledger, "a")
    take(ledger, "b", on=NOVEMBER)
    with pytest.raises(LedgerRuleError, match=r"stands at 2026-11-01.*2026-10-31.*back in time"):
        take(ledger, "c", on=NOVEMBER - timedelta(days=1))
    with pytest.raises(LedgerRuleError, match="back in time"):
        take(ledger, "c", on=date(2025, 12, 31))
    assert take(ledger, "c", on=NOVEMBER)[0].number == 3


@pytest.mark.parametrize(
    "other",
    [
        {"total_amount": Decimal("12.35")},
        {"currency_code": "CHF"},
        {"document_type": "credit_note"},
        {"billing_account_id": "someone else"},
        {"pass_id": "q"},
    ],
)
def test_an_issued_document_does_not_come_again_with_other_facts(
    ledger: Ledger, other: dict[str, Any]
) -> None:
    take(ledger, "a")
    issued = pytest.raises(LedgerRuleError, match="was issued as NW-R-2026-000001")
    with issued, ledger.write() as connection:
        take_numbers(connection, "nordwind", "R", NOVEMBER, [new("a", **other)], "NW")
    with pytest.raises(LedgerRuleError, match="given twice"), ledger.write() as connection:
        pair = [new("z"), new("z", **other)]
        take_numbers(connection, "nordwind", "R", NOVEMBER, pair, "NW")


def test_a_number_is_not_lost_with_its_transaction(ledger: Ledger) -> None:
    take(ledger, "a")
    with pytest.raises(RuntimeError), ledger.write() as connection:
        take_numbers(connection, "nordwind", "R", NOVEMBER, [new("b")], "NW")
        raise RuntimeError
    assert take(ledger, "c")[0].number == 2


def test_two_entities_do_not_share_a_prefix(ledger: Ledger) -> None:
    take(ledger, "a")
    with pytest.raises(LedgerRuleError, match="belong to nordwind: suedwind needs another prefix"):
        take(ledger, "b", entity="suedwind", prefix="NW")


@pytest.mark.parametrize("code", ["", "nw", "../X", "N W", "NW\n", "Ä", "A-B", "X" * 13])
def test_a_number_holds_nothing_but_capitals_and_digits(ledger: Ledger, code: str) -> None:
    with pytest.raises(LedgerRuleError, match="capitals and digits"):
        take(ledger, "a", prefix=code)
    with pytest.raises(LedgerRuleError, match="capitals and digits"):
        take(ledger, "a", series=code)


def test_money_is_exact() -> None:
    with pytest.raises(TypeError):
        new("a", total_amount=1.5)
    with pytest.raises(ValueError, match="decimals"):
        new("a", total_amount=Decimal("0.00001"))


def test_numbers_are_taken_in_write_only(ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match=r"Ledger\.write"), ledger.read() as connection:
        take_numbers(connection, "nordwind", "R", NOVEMBER, [new("a")], "NW")


def test_nothing_asked_nothing_taken(ledger: Ledger) -> None:
    assert take(ledger) == []


def test_five_thousand_at_once_have_no_gap(ledger: Ledger) -> None:
    ids = [f"d{number}" for number in range(5000)]
    issued = take(ledger, *ids)
    assert [each.number for each in issued] == list(range(1, 5001))
    assert take(ledger, *ids) == issued


batches = st.lists(
    st.tuples(
        st.lists(st.integers(0, 30), max_size=6),
        st.integers(0, 500),
        st.sampled_from("RG"),
    ),
    max_size=12,
)


@hypothesis_settings(max_examples=40, deadline=None)
@given(batches)
def test_whatever_is_asked_in_whatever_order_the_series_stay_whole(
    asked: list[tuple[list[int], int, str]],
) -> None:
    ledger = open_ledger("sqlite://")
    for ids, days, series in asked:
        on = date(2026, 1, 1) + timedelta(days=days)
        try:
            take(ledger, *(f"{series}{each}" for each in ids), on=on, series=series)
        except LedgerRuleError as error:
            assert "back in time" in str(error)
    with ledger.read() as connection:
        rows = connection.execute(select(documents).order_by(documents.c.sequence)).all()
    for key in {(row.series, row.year) for row in rows}:
        numbers = [row.number for row in rows if (row.series, row.year) == key]
        assert numbers == list(range(1, len(numbers) + 1))
    for series in "RG":
        dates = [row.issue_date for row in rows if row.series == series]
        assert dates == sorted(dates)
    ledger.engine.dispose()
