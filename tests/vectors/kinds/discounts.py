"""Kinds of discounts.jsonl."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from world import World

from kinds.proration import LINES, add_opening_charge, add_plan
from kinds.types import Check, Plan, Row

CENT = Decimal("0.01")


def repair_cap(row: Row, name: str, world: World) -> Check:
    """A credit of unused time, of a charge that was credited in part before."""
    billed, unused = (Decimal(row["inputs"][one]) for one in ("billed", "prorated_unused"))
    starts, ends, leaves = _period_with_unused(billed, unused)
    add_plan(name, world, "in_advance", "days", billed, row["currency"])
    subscriber = world.subscriber(
        name,
        name,
        cycle_id=world.cycle(),
        currency=row["currency"],
        activated=str(starts),
        terminated=str(leaves),
    )
    credited = Decimal(row["inputs"]["adjusted"])
    add_opening_charge(world, subscriber, name, billed, credited, row["currency"], starts, ends)
    world.bill(subscriber, leaves)
    expected = Decimal(row["expected"]["repair"])

    def check(built: World) -> str:
        found = [amount for _, _, amount in built.query(LINES, subscriber.subscription_id)]
        return "" if found == [expected] else f"{found}, expected {expected}"

    return check


def _period_with_unused(billed: Decimal, unused: Decimal) -> tuple[date, date, date]:
    """Return a month and the day from which so much of its price is unused, to the cent."""
    for month in range(1, 13):
        starts = date(2024, month, 1)
        days = monthrange(2024, month)[1]
        ends = starts + timedelta(days=days)
        for left in range(1, days + 1):
            if (billed * left / days).quantize(CENT, ROUND_HALF_UP) == unused:
                return starts, ends, ends - timedelta(days=left)
    raise NotImplementedError(f"no month of which {unused} of {billed} is unused")


KINDS: dict[str, Plan] = {"discounts/repair_cap": repair_cap}
