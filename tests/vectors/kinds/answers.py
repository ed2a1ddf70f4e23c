"""Questions that checks put to the built warehouse."""

from __future__ import annotations

from decimal import Decimal

from world import Subscriber, World

from kinds.types import Check


def rated_usage_is(subscriber: Subscriber, expected: str) -> Check:
    """Check that all rated usage of a subscription adds up to an amount, to the millionth."""

    def check(world: World) -> str:
        [(found,)] = world.query(
            "select coalesce(sum(rated_amount), 0) from intermediate.int_usage__rated"
            " where subscription_id = ?",
            subscriber.subscription_id,
        )
        return "" if found == Decimal(expected) else f"{found}, expected {expected}"

    return check
