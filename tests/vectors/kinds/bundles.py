"""Kinds that are allowances: `bundle` of rating.jsonl and `usage_discount` of discounts.jsonl."""

from __future__ import annotations

from decimal import Decimal

from world import World

from kinds.allowances import allow, data_plan
from kinds.types import Check, Plan, Row

PERIOD_START = "2026-10-01"


def bundle(row: Row, name: str, world: World) -> Check:
    """A bundle is an allowance; what is left of each is its closing balance."""
    subscriber = data_plan(world, name)
    bundles = row["params"]["bundles"]
    # Here the highest number is drawn first, in the tariff the lowest.
    order = sorted(range(len(bundles)), key=lambda index: -int(bundles[index].get("priority", 0)))
    for index, one in enumerate(bundles):
        allow(
            world,
            f"{name}-{index}",
            name,
            quantity=int(Decimal(one["remaining"])),
            increment=int(Decimal(one.get("increment", 1))),
            priority=order.index(index) + 1,
        )
    world.usage(
        subscriber,
        "2026-10-05T12:00:00Z",
        service="data",
        volume_bytes=int(Decimal(row["params"]["quantity"])),
    )
    world.bill(subscriber)

    def check(world: World) -> str:
        found = world.query(
            """
            select granted.quantity - coalesce(draws.drawn_quantity, 0)
            from intermediate.int_allowances__granted as granted
            left join intermediate.int_allowance_draws__summed as draws
                on
                    granted.pool_id = draws.pool_id
                    and granted.allowance_id = draws.allowance_id
                    and granted.granted_from = draws.granted_from
            where granted.pool_id = ?
            order by granted.allowance_id
            """,
            subscriber.subscription_id,
        )
        left = [int(quantity) for (quantity,) in found]
        wanted = [int(Decimal(quantity)) for quantity in row["expected"]["bundles"]]
        return "" if left == wanted else f"{left} left, expected {wanted}"

    return check


def usage_discount(row: Row, name: str, world: World) -> Check:
    """Free units of a period are an allowance; what was used before drew on it first."""
    inputs, expected = row["inputs"], row["expected"]
    free, before = int(inputs["free_units"]), int(inputs["pre_line_quantity"])
    subscriber = data_plan(world, name)
    allow(world, name, name, quantity=free)
    if before:
        world.inbox(
            "opening_allowances",
            pool_id=subscriber.subscription_id,
            allowance_id=name,
            granted_from=PERIOD_START,
            granted_quantity=free,
            drawn_quantity=min(before, free),
        )
    world.usage(
        subscriber,
        "2026-10-05T12:00:00Z",
        service="data",
        volume_bytes=int(Decimal(inputs["quantity"])),
    )
    world.bill(subscriber)

    def check(world: World) -> str:
        [found] = world.query(
            "select sum(charged_units), sum(free_units) from intermediate.int_usage__rated"
            " where subscription_id = ?",
            subscriber.subscription_id,
        )
        wanted = (int(expected["billed_quantity"]), int(expected["free_used_in_line"]))
        return "" if tuple(found) == wanted else f"{found}, expected {wanted}"

    return check


KINDS: dict[str, Plan] = {"rating/bundle": bundle, "discounts/usage_discount": usage_discount}
