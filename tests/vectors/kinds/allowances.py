"""Tariff rows that kinds with allowances share."""

from __future__ import annotations

from world import Subscriber, World


def data_plan(world: World, name: str) -> Subscriber:
    """Add a plan whose data costs 1 a byte, and a subscriber who holds it."""
    world.plan(name)
    world.seed(
        "usage_rates",
        usage_rate_id=name,
        rate_plan_id=name,
        service="data",
        zone_id="home",
        charge_code=world.charge_code("usage"),
        rate_amount=1,
        currency_code="EUR",
    )
    return world.subscriber(name, name)


def allow(
    world: World, name: str, plan_id: str, *, quantity: int, increment: int = 1, priority: int = 1
) -> None:
    """Add an allowance of a plan for any data."""
    scope = "any_data" if increment == 1 else f"any_data_in_{increment}"
    world.seed_once(
        "allowance_scopes",
        scope,
        allowance_scope_id=scope,
        service="data",
        rating_group="*",
        zone_id="*",
        time_band_id="*",
    )
    world.seed(
        "allowances",
        allowance_id=name,
        plan_id=plan_id,
        allowance_scope_id=scope,
        description=name,
        quantity=quantity,
        unit="bytes",
        priority=priority,
        proration="none",
        draw_increment=increment,
        draw_window="period",
        rollover_periods=0,
        is_shared=False,
    )
