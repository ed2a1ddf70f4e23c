"""What must be charged, computed from the inbox and the seeds alone, in decimals.

Written from the words of the design and of the tariff, never from the SQL:

- a recurring charge is billed from the day it was charged through (what the old system had charged,
  else the later of its start and the go-live date) to the pass's horizon: in advance the end of the
  month of the bill date, in arrears the bill date; never beyond the end of the stay;
- a part month costs calendar days over the days of that month, the end exclusive;
- what was charged beyond the end of a stay is given back in the same way;
- a promotion on the recurring fee takes its percentage off every month that begins before the
  promotion's months since activation are over, off what is given back as well;
- rated amounts have six decimals, and a line is rounded once, half up, to the cent.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

FOREVER = date(9999, 12, 31)
Line = tuple[str, str, date, date]


@dataclass(frozen=True)
class Stay:
    """A subscription on a plan or option, from a day to another, exclusive."""

    account_id: str
    subscription_id: str
    plan_id: str
    activated: date
    begins: date
    ends: date


class House:
    """Stays, tariff and what was charged through, as a clerk with the same papers knows them."""

    def __init__(self, home: Path, seeds: Path) -> None:
        self._charges = _read(seeds / "tariff" / "recurring_charges.csv")
        self._promotions = [
            row
            for row in _read(seeds / "tariff" / "promotions.csv")
            if row["charge_type"] == "recurring"
        ]
        (policy,) = _read(seeds / "policy" / "billing_policy.csv")
        self._go_live = _day(policy["go_live_date"])
        self._opening = {
            (row["subscription_id"], row["plan_id"]): _day(row["charged_through"])
            for row in _entity(home, "opening_charged_through")
        }
        self._charged_through = dict(self._opening)
        self.learn(home)

    def learn(self, home: Path) -> None:
        """Read who has which plan from an inbox: a later month tells of changes."""
        self.stays = list(_read_stays(home))

    @property
    def recurring_promotions(self) -> set[str]:
        """The ids of promotions on recurring fees."""
        return {row["promotion_id"] for row in self._promotions}

    def opening_of(self, stay: Stay) -> date:
        """Return the day from which the house has to charge a stay."""
        return self._opening.get((stay.subscription_id, stay.plan_id), self._go_live)

    def horizon(self, plan_id: str, bill_date: date) -> date:
        """Return the day up to which a pass of a bill date charges a plan."""
        advance = any(
            row["billing_timing"] == "advance" for row in self._charges if row["plan_id"] == plan_id
        )
        return next_month(bill_date) if advance else bill_date

    def bill(self, bill_date: date, accounts: set[str]) -> dict[Line, Decimal]:
        """Return the recurring lines and their discounts of the accounts issued on a bill date.

        Key: subscription, charge or promotion, first day, end. What is billed is charged through.
        """
        lines: dict[Line, Decimal] = {}
        for stay in self.stays:
            if stay.account_id not in accounts:
                continue
            for charge in self._charges:
                if charge["plan_id"] == stay.plan_id:
                    for source, begins, ends, amount in self._charge(stay, charge, bill_date):
                        key = (stay.subscription_id, source, begins, ends)
                        lines[key] = lines.get(key, Decimal(0)) + amount
        return lines

    def _charge(
        self, stay: Stay, charge: dict[str, str], bill_date: date
    ) -> Iterator[tuple[str, date, date, Decimal]]:
        key = (stay.subscription_id, stay.plan_id)
        through = self._charged_through.get(key)
        begins = max(stay.begins, through or self._go_live)
        ends = min(stay.ends, self.horizon(stay.plan_id, bill_date))
        sign = 1
        if through and through > stay.ends and stay.ends <= bill_date:
            begins, ends, sign = stay.ends, through, -1
        if begins >= ends:
            return
        self._charged_through[key] = stay.ends if sign < 0 else ends
        for month, first, last in _months(begins, ends):
            days = Decimal((next_month(month) - month).days)
            amount = _round(sign * Decimal(charge["amount"]) * (last - first).days / days, 6)
            yield charge["recurring_charge_id"], first, last, _round(amount, 2)
            for promotion in self._promotions_of(stay, month):
                off = _round(-amount * Decimal(promotion["discount_percent"]) / 100, 6)
                yield promotion["promotion_id"], first, last, _round(off, 2)

    def _promotions_of(self, stay: Stay, month: date) -> list[dict[str, str]]:
        return [
            row
            for row in self._promotions
            if row["plan_id"] == stay.plan_id
            and _day(row["valid_from"]) <= stay.activated < _end(row["valid_to"])
            and month < _add_months(stay.activated, int(row["duration_months"]))
        ]


def invoice_taxes(seeds: Path, sums: dict[str, Decimal], tax_point: date) -> Decimal:
    """Return the tax on the sums of rounded lines per category, at the rates of the tax point."""
    total = Decimal(0)
    for row in _read(seeds / "reference" / "tax_rates.csv"):
        valid = _day(row["valid_from"]) <= tax_point < _end(row["valid_to"])
        if valid and row["jurisdiction"] == "DE" and row["tax_category"] in sums:
            total += _round(sums[row["tax_category"]] * Decimal(row["rate"]), 2)
    return total


def next_month(day: date) -> date:
    """Return the first day of the month after a day's."""
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1)


def _add_months(day: date, months: int) -> date:
    first = day.replace(day=1)
    for _ in range(months):
        first = next_month(first)
    return min(first + timedelta(days=day.day - 1), next_month(first) - timedelta(days=1))


def _months(begins: date, ends: date) -> Iterator[tuple[date, date, date]]:
    """Yield the months that a span touches: first of the month, and the span's part of it."""
    month = begins.replace(day=1)
    while month < ends:
        yield month, max(begins, month), min(ends, next_month(month))
        month = next_month(month)


def _read_stays(home: Path) -> Iterator[Stay]:
    subscriptions: dict[str, dict[str, str]] = {}
    for row in sorted(_entity(home, "subscriptions"), key=lambda row: row["valid_from"]):
        subscriptions[row["subscription_id"]] = row
    plans = {
        (row["subscription_id"], row["plan_id"], row["valid_from"]): row
        for row in _entity(home, "subscription_plans")
    }
    for row in plans.values():
        subscription = subscriptions[row["subscription_id"]]
        activated = _day(subscription["activated_date"])
        begins = max(_day(row["valid_from"]), activated)
        ends = min(_end(row["valid_to"]), _end(subscription["terminated_date"]))
        if begins < ends:
            yield Stay(
                subscription["billing_account_id"],
                *(row["subscription_id"], row["plan_id"]),
                *(activated, begins, ends),
            )


def _entity(home: Path, name: str) -> Iterator[dict[str, str]]:
    for path in sorted((home / "inbox" / name).glob("*.csv")):
        yield from _read(path)


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _round(amount: Decimal, digits: int) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


def _day(text: str) -> date:
    return date.fromisoformat(text)


def _end(text: str) -> date:
    return date.fromisoformat(text) if text else FOREVER
