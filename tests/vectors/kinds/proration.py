"""Kinds of proration.jsonl: what a part of a period costs, and where periods begin and end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from world import Subscriber, World

from kinds.types import Check, Plan, Row

MONTHS = {"monthly": 1, "quarterly": 3, "biannual": 6, "annual": 12}
TIMING = {"in_advance": "advance", "in_arrears": "arrears"}
# A currency without minor units holds the ninth decimal of a price of 1 as a whole number.
WHOLE, BILLION = "JPY", 10**9
DAY = timedelta(days=1)
LINES = """
    select period_start, period_end, net_amount
    from intermediate.int_invoice_lines__rounded
    where subscription_id = ? and charge_type = 'recurring'
    order by period_start, period_end, net_amount
"""


def cycles(row: Row, name: str, world: World) -> Check:
    """The number of cycles charged up to a bill date: the sum of all lines at a price of 1."""
    subscriber = _add_stay(row, name, world)
    expected = Decimal(row["expected_total"]) * BILLION

    def check(built: World) -> str:
        found = sum(amount for _, _, amount in built.query(LINES, subscriber.subscription_id))
        return "" if found == expected else f"{found}, expected {expected}"

    return check


def segments(row: Row, name: str, world: World) -> Check:
    """Where lines begin and end."""
    subscriber = _add_stay(row, name, world)
    expected = [(_day(line["from"]), _day(line["to"])) for line in row["expected_lines"]]

    def check(built: World) -> str:
        lines = built.query(LINES, subscriber.subscription_id)
        found = [(start, end) for start, end, _ in lines]
        return "" if found == expected else f"{found}, expected {expected}"

    return check


def _add_stay(row: Row, name: str, world: World) -> Subscriber:
    """Add a plan aligned to the bill cycle day, held from `start` to `end`, billed on `target`."""
    add_plan(
        *(name, world, row["billing_mode"], "days", Decimal(BILLION), WHOLE),
        interval_months=MONTHS[row["period"]],
        alignment="cycle_day",
    )
    subscriber = world.subscriber(
        name,
        name,
        cycle_id=world.cycle(anchor_day=row["bill_cycle_day"]),
        currency=WHOLE,
        activated=row["start"],
        terminated=row["end"],
    )
    world.bill(subscriber, _day(row["target"]))
    return subscriber


@dataclass(frozen=True)
class Part:
    """A part of a period, both as half-open days, with instants where the row has them."""

    starts: date
    ends: date
    begins: date
    stops: date
    begins_at: str | None
    stops_at: str | None
    is_inclusive: bool

    @classmethod
    def of(cls, row: Row, expected: Mapping[str, Any]) -> Part:
        """Read a line and its period; a day that both ends include is made exclusive."""
        is_inclusive = not row["end_exclusive"]
        more = DAY if is_inclusive else timedelta()
        has_instants = "T" in expected["from"]
        begins_at = expected["from"] if has_instants else row.get("start_utc")
        return cls(
            *(_day(row["period_start"]), _end_day(row["period_end"]) + more),
            *(_day(expected["from"]), _end_day(expected["to"]) + more),
            *(begins_at, expected["to"] if has_instants else None),
            is_inclusive,
        )

    @property
    def last_day(self) -> date:
        """The day told as the end: the last one charged where that is included."""
        return self.stops - DAY if self.is_inclusive else self.stops


def line(row: Row, name: str, world: World) -> Check:
    """Parts of one period at one price; each expected line has a subscriber of its own."""
    checks = [
        _add_line(row, expected, f"{name}-{number}", world)
        for number, expected in enumerate(row["expected_lines"])
    ]

    def check(built: World) -> str:
        return "; ".join(problem for one in checks if (problem := one(built)))

    return check


def _add_line(row: Row, expected: Mapping[str, Any], name: str, world: World) -> Check:
    part = Part.of(row, expected)
    scale = BILLION if row["decimals"] == 9 else 1
    price, currency = Decimal(row["price"]) * scale, WHOLE if scale > 1 else row["currency"]
    amount = Decimal(expected["amount"]) * scale
    zone = row.get("timezone", "Etc/UTC")
    add = _add_credited if amount < 0 else _add_held
    cycle_id = _cycle_of(part, world)
    add_plan(name, world, row["billing_mode"], _proration(row), price, currency)
    subscriber = add(row, name, world, part, price, cycle_id, currency, zone)

    def check(built: World) -> str:
        found = built.query(LINES, subscriber.subscription_id)
        wanted = [(part.begins, part.stops, amount)]
        return "" if found == wanted else f"{found}, expected {wanted}"

    return check


def _add_held(
    row: Row,
    name: str,
    world: World,
    part: Part,
    _price: Decimal,
    cycle_id: str,
    currency: str,
    zone: str,
) -> Subscriber:
    """Add a plan taken where the line begins, and ended with it unless the period ends then."""
    subscriber = world.subscriber(
        name,
        name,
        cycle_id=cycle_id,
        currency=currency,
        time_zone=zone,
        activated=str(part.begins),
        terminated=None if part.stops == part.ends else str(part.last_day),
    )
    if part.begins_at:
        world.inbox(
            "subscription_plans",
            subscription_id=subscriber.subscription_id,
            plan_id=name,
            valid_from=str(part.begins),
            started_at=part.begins_at,
            ended_at=None if part.stops == part.ends else part.stops_at,
        )
    in_advance = row["billing_mode"] == "in_advance"
    world.bill(subscriber, part.begins if in_advance else max(part.ends, part.stops))
    return subscriber


def _add_credited(
    row: Row,
    name: str,
    world: World,
    part: Part,
    price: Decimal,
    cycle_id: str,
    currency: str,
    zone: str,
) -> Subscriber:
    """Add a plan whose period is charged already, and that is left where the credit begins."""
    del row
    subscriber = world.subscriber(
        name,
        name,
        cycle_id=cycle_id,
        currency=currency,
        time_zone=zone,
        activated=str(part.starts),
        terminated=str(part.begins) if part.stops == part.ends else None,
    )
    add_opening_charge(world, subscriber, name, price, Decimal(0), currency, part.starts, part.ends)
    if part.stops < part.ends:
        for begins, ends in ((part.starts, part.begins), (part.stops, None)):
            world.inbox(
                "subscription_plans",
                subscription_id=subscriber.subscription_id,
                plan_id=name,
                valid_from=str(begins),
                valid_to=str(ends) if ends else None,
            )
    world.bill(subscriber, part.begins)
    return subscriber


def add_opening_charge(
    world: World,
    subscriber: Subscriber,
    plan_id: str,
    amount: Decimal,
    credited: Decimal,
    currency: str,
    starts: date,
    ends: date,
) -> None:
    """Add a charge of a plan that the system before billed, and what it credited of it."""
    world.inbox(
        "opening_charges",
        opening_charge_id=f"O-{subscriber.subscription_id}",
        subscription_id=subscriber.subscription_id,
        plan_id=plan_id,
        charge_code="plan_fee",
        amount=str(amount),
        credited_amount=str(credited),
        currency_code=currency,
        tax_category="Z",
        period_start=str(starts),
        period_end=str(ends),
    )


def add_plan(
    name: str,
    world: World,
    billing_mode: str,
    proration: str,
    price: Decimal,
    currency: str,
    **values: object,
) -> None:
    world.seed("plans", plan_id=name, plan_name=name, time_band_set_id="whole_day")
    world.seed(
        "recurring_charges",
        recurring_charge_id=name,
        plan_id=name,
        charge_code=world.charge_code("plan_fee", "recurring", "months"),
        amount=price,
        currency_code=currency,
        billing_timing=TIMING[billing_mode],
        proration=proration,
        **values,
    )


def _proration(row: Row) -> str:
    if row["days_basis"].startswith("elapsed seconds"):
        return "seconds"
    if row["days_basis"].startswith("fixed 30"):
        return "fixed_30"
    return "days" if row["end_exclusive"] else "days_inclusive"


def _cycle_of(part: Part, world: World) -> str:
    """Return a bill cycle that has exactly this period."""
    days = (part.ends - part.starts).days
    if days % 7 == 0 and days < 28:
        if days != 7:
            raise NotImplementedError("a cycle of several weeks")
        return world.cycle(
            anchor_day=part.starts.isoweekday(), interval_months=None, interval_weeks=1
        )
    months = (part.ends.year - part.starts.year) * 12 + part.ends.month - part.starts.month
    anchor_day = max(part.starts.day, part.ends.day)
    return world.cycle(anchor_day, months, anchor_month=part.starts.month)


def _day(text: str) -> date:
    return date.fromisoformat(text[:10])


def _end_day(text: str) -> date:
    """Return the first day after an end that may be within a day."""
    if "T" not in text:
        return _day(text)
    instant = datetime.fromisoformat(text)
    return instant.date() + (DAY if instant.time() != datetime.min.time() else timedelta())


KINDS: dict[str, Plan] = {
    "proration/cycles": cycles,
    "proration/segments": segments,
    "proration/line": line,
}
