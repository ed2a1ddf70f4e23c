"""Opening passes and dating them: who is billed when, and under which date, by the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import pytest

from orchestration.ledger.numbers import INVOICE_SERIES, NewDocument, take_numbers
from orchestration.ledger.store import Ledger
from orchestration.passes.opening import (
    DueCycle,
    PassError,
    open_main_passes,
    open_off_cycle_passes,
    read_assigned,
    take_up,
)
from orchestration.passes.records import BillPass, read_passes, record_state
from orchestration.settings import Settings

NOVEMBER, MID_NOVEMBER, DECEMBER = date(2026, 11, 1), date(2026, 11, 15), date(2026, 12, 1)


class House:
    """A ledger and the moves that a run makes on it."""

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        self.settings, self.ledger = settings, ledger

    def main(self, bill_date: date, *accounts: str, cycle: str = "monthly_1") -> list[str]:
        due = DueCycle("nordwind", cycle, accounts)
        return _ids(open_main_passes(self.settings, self.ledger, bill_date, [due]))

    def off_cycle(self, bill_date: date, *accounts: str) -> list[str]:
        due = DueCycle("nordwind", "monthly_1", accounts)
        return _ids(open_off_cycle_passes(self.settings, self.ledger, bill_date, [due]))

    def take_up(self, pass_id: str, issue_date: date | None = None) -> date:
        """Take a pass up as a run does, and return the date that its invoices would bear."""
        take_up(self.settings, self.ledger, [self.read(pass_id)], 1, issue_date)
        return self.read(pass_id).issue_date

    def issue(self, pass_id: str) -> None:
        """Issue one document of the pass, on the date that the pass has."""
        issued = self.read(pass_id)
        document = NewDocument(f"{pass_id}/a", "invoice", pass_id, "a", "EUR", Decimal(1))
        with self.ledger.write() as connection:
            take_numbers(
                connection, "nordwind", INVOICE_SERIES, issued.issue_date, [document], "NW"
            )
            record_state(connection, self.settings, [pass_id], "issued")

    def read(self, pass_id: str) -> BillPass:
        with self.ledger.read() as connection:
            return next(one for one in read_passes(connection) if one.pass_id == pass_id)

    def accounts(self, pass_id: str) -> list[str]:
        """Return the accounts that belong to the pass now."""
        with self.ledger.read() as connection:
            return sorted(one for one, at in read_assigned(connection).items() if at == pass_id)


def _ids(passes: Sequence[BillPass]) -> list[str]:
    return [one.pass_id for one in passes]


@pytest.fixture
def house(settings: Settings, ledger: Ledger) -> House:
    """A house on an empty ledger."""
    return House(settings, ledger)


# The issue date


def test_a_pass_that_waited_follows_the_one_that_was_issued_meanwhile(house: House) -> None:
    (older,) = house.main(date(2026, 10, 31), "a", cycle="monthly_31")
    assert house.take_up(older) == date(2026, 10, 31)
    (newer,) = house.main(NOVEMBER, "b")
    assert house.take_up(newer) == NOVEMBER
    house.issue(newer)
    assert house.take_up(older) == NOVEMBER
    house.issue(older)
    assert house.read(older).issue_date == NOVEMBER


def test_a_date_asked_for_stays_until_another_is_asked_for(house: House) -> None:
    (pass_id,) = house.main(NOVEMBER, "a")
    assert house.take_up(pass_id, date(2026, 11, 5)) == date(2026, 11, 5)
    assert house.take_up(pass_id) == date(2026, 11, 5)
    assert house.take_up(pass_id, date(2026, 11, 3)) == date(2026, 11, 3)


@pytest.mark.parametrize(("asked", "is_refused"), [("2026-11-04", True), ("2026-11-05", False)])
def test_no_date_before_the_last_of_the_series(house: House, asked: str, is_refused: bool) -> None:
    (older,) = house.main(NOVEMBER, "a")
    house.take_up(older, date(2026, 11, 5))
    house.issue(older)
    (pass_id,) = house.off_cycle(date(2026, 11, 4), "b")
    if is_refused:
        with pytest.raises(
            PassError, match="2026-11-04 is before 2026-11-05: dates never decrease"
        ):
            house.take_up(pass_id, date.fromisoformat(asked))
    else:
        assert house.take_up(pass_id, date.fromisoformat(asked)) == date.fromisoformat(asked)


# Off-cycle passes


def test_an_off_cycle_pass_bills_the_accounts_named_and_once(house: House) -> None:
    (main,) = house.main(NOVEMBER, "a", "b")
    house.issue(main)
    (first,) = house.off_cycle(MID_NOVEMBER, "a")
    assert first == "nordwind-monthly_1-2026-11-15-off_cycle-1"
    assert house.accounts(first) == ["a"]
    # Killed and run again: the same pass; with another account: it joins.
    assert house.off_cycle(MID_NOVEMBER, "a") == [first]
    assert house.off_cycle(MID_NOVEMBER, "a", "b") == [first]
    assert house.accounts(first) == ["a", "b"]
    house.issue(first)
    assert house.off_cycle(MID_NOVEMBER, "a", "b") == []
    assert house.off_cycle(MID_NOVEMBER, "a", "c") == ["nordwind-monthly_1-2026-11-15-off_cycle-2"]


def test_an_account_in_a_pass_that_is_not_issued_is_refused_by_name(house: House) -> None:
    house.main(NOVEMBER, "a", "b")
    with pytest.raises(PassError, match=r"account b is in pass .*-main-1, which is not issued yet"):
        house.off_cycle(MID_NOVEMBER, "c", "b")
    with house.ledger.read() as connection:
        assert len(read_passes(connection)) == 1


def test_an_account_billed_for_a_later_date_is_refused(house: House) -> None:
    (main,) = house.main(DECEMBER, "a")
    house.issue(main)
    with pytest.raises(PassError, match="account a was billed for 2026-12-01"):
        house.off_cycle(MID_NOVEMBER, "a")
    # On the same date it may ask for what came since.
    assert house.off_cycle(DECEMBER, "a") == ["nordwind-monthly_1-2026-12-01-off_cycle-1"]


def test_a_main_pass_takes_over_what_waits_off_cycle_and_leaves_what_is_billed_later(
    house: House,
) -> None:
    (waiting,) = house.off_cycle(MID_NOVEMBER, "a")
    (later,) = house.off_cycle(date(2026, 12, 5), "b")
    house.issue(later)
    (main,) = house.main(DECEMBER, "a", "b", "c")
    assert house.accounts(main) == ["a", "c"]
    assert house.accounts(waiting) == []
    assert house.accounts(later) == ["b"]


def test_a_main_pass_of_a_date_that_was_billed_off_cycle_is_of_the_same_run(house: House) -> None:
    (off_cycle,) = house.off_cycle(DECEMBER, "a")
    house.issue(off_cycle)
    (main,) = house.main(DECEMBER, "a", "b")
    assert house.read(main).bill_run_id == house.read(off_cycle).bill_run_id
    assert house.accounts(main) == ["a", "b"]


def test_a_main_pass_that_waits_still_bars_the_next_of_its_cycle(house: House) -> None:
    house.main(NOVEMBER, "a")
    with pytest.raises(PassError, match="-main-1 is not issued yet"):
        house.main(DECEMBER, "a")
