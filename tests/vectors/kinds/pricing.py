"""Kinds of pricing.jsonl: what a quantity costs over a period."""

from __future__ import annotations

from decimal import Decimal

from world import World

from kinds.answers import rated_usage_is
from kinds.types import Check, Plan, Row

# Quantities have decimals: a unit of the tariff is this many units of usage.
SCALE = 1_000


def standard(row: Row, name: str, world: World) -> Check:
    """Quantity times an amount per unit."""
    if set(row["params"]) != {"unit_amount"} or "line_mode" in row:
        raise NotImplementedError("minimum, maximum and split lines")
    world.plan(name)
    world.seed(
        "usage_rates",
        usage_rate_id=name,
        rate_plan_id=name,
        service="data",
        zone_id="home",
        charge_code=world.charge_code("usage"),
        rate_amount=row["params"]["unit_amount"],
        per_units=SCALE,
        currency_code="EUR",
    )
    subscriber = world.subscriber(name, name)
    quantity = Decimal(row["quantity"]) * SCALE
    world.usage(subscriber, "2026-10-05T12:00:00Z", service="data", volume_bytes=int(quantity))
    world.bill(subscriber)
    return rated_usage_is(subscriber, row["expected_amount"])


KINDS: dict[str, Plan] = {"pricing/standard": standard}
