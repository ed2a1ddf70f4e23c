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


def usage_costs(subscriber: Subscriber, expected: str, *, is_rounded: bool = False) -> Check:
    """Check what an account is charged beside its plan's fee: exact, or as its lines say it."""
    table, amount = "int_charges__combined", "amount"
    if is_rounded:
        table, amount = "int_invoice_lines__rounded", "net_amount"

    def check(world: World) -> str:
        [(found,)] = world.query(
            f"select coalesce(sum({amount}), 0) from intermediate.{table}"
            " where billing_account_id = ? and charge_code <> 'plan_fee'",
            subscriber.account_id,
        )
        return "" if found == Decimal(expected) else f"{found}, expected {expected}"

    return check
