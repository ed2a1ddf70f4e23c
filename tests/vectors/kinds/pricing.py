"""Kinds of pricing.jsonl: what a quantity costs over a period."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_CEILING, Decimal

from world import Subscriber, World

from kinds.allowances import allow
from kinds.answers import usage_costs
from kinds.types import Check, Plan, Row

USED_AT = "2026-10-05T12:{minute:02}:{second:02}Z"
# A part of the period ends on the 20th, the period itself with October.
BILL_DATES = {"mid": date(2026, 10, 20), "single": date(2026, 11, 1), "last": date(2026, 11, 1)}
PERIOD_START = "2026-10-01"


@dataclass(frozen=True)
class Tier:
    """A tier in the vector's own units, whole or not; `per` and `block` too."""

    up_to: Decimal | None
    rate: str = "0"
    flat: str = "0"
    per: Decimal = Decimal(1)
    block: Decimal | None = None


@dataclass(frozen=True)
class Pricing:
    """What a case's tariff is: tiers, or without them a price per unit, and what stands beside."""

    model: str = "graduated"
    tiers: tuple[Tier, ...] = ()
    zero_usage: str = "due"
    increment: Decimal | None = None
    of_set: dict[str, object] = field(default_factory=dict)


def _standard(row: Row) -> Pricing:
    params = row["params"]
    divisor = Decimal(params.get("unit_divisor", 1))
    tiers = [Tier(None, params["unit_amount"], per=divisor)]
    if "usage_discount" in params:
        tiers.insert(0, Tier(Decimal(params["usage_discount"]) * divisor))
    return Pricing(tiers=tuple(tiers), increment=divisor if "unit_divisor" in params else None)


def _flat(row: Row) -> Pricing:
    return Pricing("volume", (Tier(None, flat=row["params"]["amount"]),))


def _tiered(model: str, rate: str, per: int = 1) -> Callable[[Row], Pricing]:
    def pricing(row: Row) -> Pricing:
        divisor = Decimal(row["params"].get("unit_divisor", 1))
        tiers = tuple(
            Tier(
                _times(tier["up_to"], divisor),
                tier[rate],
                tier.get("flat_amount", "0"),
                per * divisor,
            )
            for tier in row["params"]["tiers"]
        )
        has_divisor = "unit_divisor" in row["params"]
        return Pricing(model, tiers, increment=divisor if has_divisor else None)

    return pricing


def _package(row: Row) -> Pricing:
    params = row["params"]
    size, free = Decimal(params["package_size"]), Decimal(params["free_units"])
    package = Tier(None, params["amount"], per=size, block=size)
    if row["peer"] == "chargebee":
        # This vendor bills a package also when nothing was used.
        return Pricing(tiers=(Tier(size, flat=params["amount"]), package))
    return Pricing(tiers=(Tier(free), package) if free else (package,))


def _blocks(model: str) -> Callable[[Row], Pricing]:
    def pricing(row: Row) -> Pricing:
        tiers, reached = [], Decimal(0)
        for tier in row["params"]["tiers"]:
            size = Decimal(tier["block_size"])
            count = tier["max_blocks"]
            reached += size * Decimal(count or 0)
            up_to = None if count is None else reached
            tiers.append(Tier(up_to, tier["block_price"], per=size, block=size))
        return Pricing(model, tuple(tiers))

    return pricing


def _capacity(row: Row) -> Pricing:
    tiers = (Tier(_times(tier["up_to"]), flat=tier["price"]) for tier in row["params"]["tiers"])
    return Pricing("capacity", tuple(tiers), zero_usage="not_due")


def _percentage(row: Row) -> Pricing:
    params = row["params"]
    of_set = {
        "event_amount": params["fixed_per_event"],
        "event_minimum_amount": params.get("per_event_min"),
        "event_maximum_amount": params.get("per_event_max"),
        "free_events": params["free_events"] or None,
        "free_units": Decimal(params["free_units"]) or None,
    }
    tiers = (Tier(None, params["rate_pct"], per=Decimal(100)),)
    return Pricing("percentage", tiers, zero_usage="not_due", of_set=of_set)


def _dynamic(row: Row) -> Pricing:
    # The amount of each event is what it is used by; the multiplier is the price of a unit of it.
    return Pricing(tiers=(Tier(None, row["params"].get("multiplier", "1")),))


def _plan(pricing_of: Callable[[Row], Pricing], *, is_rounded: bool = False) -> Plan:
    def plan(row: Row, name: str, world: World) -> Check:
        row, expected = _in_larger_money(row)
        pricing = pricing_of(row)
        used = [Decimal(event) for event in _events(row)]
        before = Decimal(row.get("pre_line_quantity", 0))
        scale = _scale([*used, before, *_units(pricing)])
        world.plan(name)
        world.seed(
            "usage_rates",
            usage_rate_id=name,
            rate_plan_id=name,
            service="data",
            zone_id="home",
            charge_code=world.charge_code("usage"),
            rate_amount=0,
            price_tier_set_id=name,
            currency_code="EUR",
        )
        _add_tiers(world, name, pricing, scale)
        if "usage_discount" in row["params"] and row["model"] != "standard":
            allow(world, name, name, quantity=int(Decimal(row["params"]["usage_discount"]) * scale))
        subscriber = world.subscriber(name, name)
        _limit_spending(row, name, world, subscriber)
        for number, quantity in enumerate(used):
            world.usage(
                subscriber,
                USED_AT.format(minute=number // 60, second=number % 60),
                service="data",
                volume_bytes=int(quantity * scale),
            )
        if "pre_line_quantity" in row:
            counted = before
            if pricing.increment:
                counted = (before / pricing.increment).to_integral(
                    ROUND_CEILING
                ) * pricing.increment
            is_retroactive = pricing.model in ("volume", "capacity")
            world.inbox(
                "opening_tier_counters",
                subscription_id=subscriber.subscription_id,
                price_tier_set_id=name,
                period_start=PERIOD_START,
                units=int(counted * scale),
                event_count=1,
                largest_units=int(before * scale),
                billed_amount=0 if is_retroactive else row.get("previously_billed", 0),
            )
        world.bill(subscriber, BILL_DATES[row.get("line_mode", "single")])
        return usage_costs(subscriber, expected, is_rounded=is_rounded)

    return plan


def _add_tiers(world: World, name: str, pricing: Pricing, scale: int) -> None:
    of_set = dict(pricing.of_set)
    if of_set.get("free_units"):
        of_set["free_units"] = int(Decimal(str(of_set["free_units"])) * scale)
    world.seed(
        "price_tier_sets",
        price_tier_set_id=name,
        description=name,
        pricing_model=pricing.model,
        zero_usage=pricing.zero_usage,
        pass_increment=int((pricing.increment or 0) * scale) or 1,
        **of_set,
    )
    last = len(pricing.tiers) - 1
    for number, tier in enumerate(pricing.tiers):
        # The last tier of some peers ends; what lies beyond it costs what lies in it.
        up_to = None if tier.up_to is None or number == last else int(tier.up_to * scale)
        world.seed(
            "price_tiers",
            price_tier_id=f"{name}-{number}",
            price_tier_set_id=name,
            up_to=up_to,
            rate_amount=tier.rate,
            per_units=int(tier.per * scale),
            flat_amount=tier.flat,
            block_size=int((tier.block or 0) * scale) or 1,
        )


def _limit_spending(row: Row, name: str, world: World, subscriber: Subscriber) -> None:
    """Add the discount, the cap and the minimum of a case, and what they had counted before."""
    params = row["params"]
    for code in ("discount", "cap", "minimum"):
        world.charge_code(code, code)
    of_usage = {
        "description_en": name,
        "description_de": name,
        "plan_id": name,
        "billing_account_id": "*",
        "charge_type": "usage",
        "charge_code": "*",
        "measured_over": "subscription",
        "currency_code": "EUR",
    }
    if "discount_pct" in params:
        world.seed(
            "promotions",
            promotion_id=f"{name}-discount",
            eligibility="period",
            discount_percent=params["discount_pct"],
            minimum_amount=0,
            duration_months=0,
            priority=1,
            stacking="stacks",
            **of_usage,
        )
    if "max_spend" in params:
        world.seed(
            "charge_caps",
            charge_cap_id=f"{name}-cap",
            maximum_amount=params["max_spend"],
            priority=1,
            **of_usage,
        )
    if "min_spend" in params:
        world.seed(
            "commitments",
            commitment_id=f"{name}-minimum",
            minimum_amount=params["min_spend"],
            proration="none",
            tax_category="Z",
            # Of the months before, nothing was billed: they would be made up for as well.
            valid_from=PERIOD_START,
            **of_usage,
        )
    for param, rule in (("max_spend", "cap"), ("min_spend", "minimum")):
        if param in params and "previously_billed" in row:
            world.inbox(
                "opening_rule_use",
                rule_type=rule,
                rule_id=f"{name}-{rule}",
                billing_account_id=subscriber.account_id,
                subscription_id=subscriber.subscription_id,
                period_start=PERIOD_START,
                measured_amount=row["previously_billed"],
                taken_amount=0,
                invoice_count=1,
            )


MONEY = {
    "unit_amount",
    "flat_amount",
    "amount",
    "price",
    "block_price",
    "rate_pct",
    "multiplier",
    "fixed_per_event",
    "per_event_min",
    "per_event_max",
    "min_spend",
    "max_spend",
}
RATED_DECIMALS = 6


def _in_larger_money(row: Row) -> tuple[Row, str]:
    """Return a case whose amounts have six decimals at most, and what it should then cost."""
    params = row["params"]
    tiers = params.get("tiers", ())
    amounts = [row["expected_amount"], row.get("previously_billed")]
    amounts += [one[key] for one in (params, *tiers) for key in MONEY & set(one)]
    factor = max(1, _scale(Decimal(one) for one in amounts if one) // 10**RATED_DECIMALS)
    if factor == 1:
        return row, row["expected_amount"]

    def larger(values: Row) -> Row:
        return {
            key: _product(value, factor) if key in MONEY and value else value
            for key, value in values.items()
        }

    enlarged = {**larger(params), **({"tiers": [larger(tier) for tier in tiers]} if tiers else {})}
    before = {"previously_billed": _product(row.get("previously_billed", "0"), factor)}
    expected = _product(row["expected_amount"], factor)
    return {**row, "params": enlarged, **(before if "previously_billed" in row else {})}, expected


def _product(amount: str, factor: int) -> str:
    return f"{(Decimal(amount) * factor).normalize():f}"


def _events(row: Row) -> Iterable[str]:
    if "events" in row:
        return tuple(row["events"])
    quantity = row["params"].get("event_amounts_total", row.get("quantity", "0"))
    return (quantity,) if Decimal(quantity) else ()


def _units(pricing: Pricing) -> list[Decimal]:
    found = [pricing.increment or Decimal(1)]
    for tier in pricing.tiers:
        found += [tier.up_to or Decimal(1), tier.per, tier.block or Decimal(1)]
    return [*found, Decimal(str(pricing.of_set.get("free_units") or 1))]


def _scale(quantities: Iterable[Decimal]) -> int:
    """Return the power of ten that makes all quantities whole: usage counts whole units."""
    decimals = max(max(0, -int(one.normalize().as_tuple().exponent)) for one in quantities)
    return 10**decimals


def _times(up_to: str | None, divisor: Decimal = Decimal(1)) -> Decimal | None:
    return None if up_to is None else Decimal(up_to) * divisor


KINDS: dict[str, Plan] = {
    "pricing/standard": _plan(_standard),
    "pricing/flat": _plan(_flat),
    "pricing/graduated": _plan(_tiered("graduated", "unit_amount")),
    "pricing/graduated_percentage": _plan(_tiered("graduated", "rate_pct", 100)),
    "pricing/volume": _plan(_tiered("volume", "unit_amount")),
    "pricing/package": _plan(_package),
    "pricing/block_all_tiers": _plan(_blocks("graduated")),
    "pricing/block_top_tier": _plan(_blocks("volume")),
    "pricing/capacity_max": _plan(_capacity),
    "pricing/percentage": _plan(_percentage),
    "pricing/percentage_minmax": _plan(_percentage),
    "pricing/dynamic": _plan(_dynamic, is_rounded=True),
    "pricing/dynamic_sum": _plan(_dynamic),
}
