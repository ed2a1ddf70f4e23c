"""Kinds of rating.jsonl: one event through bands, steps, increments and rounding."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from world import World

from kinds.types import Check, Plan, Row

USED_AT = "2026-10-05T12:00:00Z"
UNIT = "data"


@dataclass(frozen=True)
class Step:
    """From how many units on, at what amount per how many, in which increments."""

    from_units: int
    amount: Decimal
    per: int
    increment: int


@dataclass(frozen=True)
class Price:
    """A usage rate: its steps, the first from 0 on, and what it says of the whole event."""

    steps: Sequence[Step]
    of_event: dict[str, Any]


def slots(row: Row, name: str, world: World) -> Check:
    """Bands of a set with steps inside them; a voice call is cut, all else goes by its start."""
    is_voice = row["usage_type"] == "voice"
    is_whole = all(
        Decimal(number) == int(Decimal(number))
        for band in row["bands"]
        for slot in band["slots"]
        for number in (slot["from_s"], slot["per_s"], slot["increment_s"], row["quantity"])
    )
    if is_voice and not is_whole:
        raise NotImplementedError("parts of a second")
    service = {"voice": "voice", "sms": "sms"}.get(str(row["usage_type"]), UNIT)
    scale = 1 if is_whole else 1_000
    time_zone = {"UTC": "Etc/UTC"}.get(row["timezone"], row["timezone"])
    world.plan(name, time_band_set_id=name)
    world.seed("time_band_sets", time_band_set_id=name, description=name, time_zone_basis="account")
    # What no band of the case covers costs nothing.
    world.seed("time_bands", time_band_set_id=name, time_band_id=f"{name}-none", priority=-1)
    _rate(world, name, f"{name}-none", Price([Step(0, Decimal(0), 1, 1)], {}), service)
    for index, band in enumerate(row["bands"]):
        band_id = f"{name}-{index}"
        world.seed(
            "time_bands",
            time_band_set_id=name,
            time_band_id=band_id,
            priority=int(Decimal(band.get("weight", 10)) * 10),
            weekdays=listed(band.get("weekdays")),
            months=listed(band.get("month", band.get("months"))),
            month_days=listed(band.get("month_day", band.get("month_days"))),
            years=listed(band.get("years")),
            start_time=band.get("start") or "00:00",
            end_time=band.get("end") or "24:00",
        )
        strategy = str(band.get("max_cost_strategy") or "").strip("*") or None
        of_event: dict[str, Any] = {"connect_amount": band.get("connect_fee") or 0}
        if band.get("max_cost") and strategy:
            of_event |= {"maximum_amount": band["max_cost"], "maximum_strategy": strategy}
        _rate(
            world,
            name,
            band_id,
            Price(
                [
                    Step(
                        int(Decimal(slot["from_s"]) * scale),
                        Decimal(slot["rate"]),
                        int(Decimal(slot["per_s"]) * scale) or 1,
                        int(Decimal(slot["increment_s"]) * scale) or 1,
                    )
                    for slot in sorted(band["slots"], key=lambda slot: Decimal(slot["from_s"]))
                ],
                of_event | _rounding(row.get("rounding") or {}),
            ),
            service,
        )
    started = datetime.fromisoformat(row["start"]).replace(tzinfo=ZoneInfo(time_zone))
    return _charged(
        world,
        name,
        service,
        int(Decimal(row["quantity"]) * scale),
        expected=row.get("exact_cost", row["expected_cost"]),
        time_zone=time_zone,
        started_at=started.isoformat(),
        is_first_segment=None if row.get("first_segment", True) else "false",
    )


def interval_tiers(row: Row, name: str, world: World) -> Check:
    """Steps of given widths, each rounded apart; what is beyond the last costs nothing."""
    numbers = [row["quantity"]]
    for tier in row["tiers"]:
        numbers += [tier["from"], tier["interval"]]
        numbers += [tier["to"]] if _is_number(tier["to"]) else []
    scale = 10 ** max(places(number) for number in numbers)
    steps, reached = [], Decimal(0)
    for tier in row["tiers"]:
        interval = int(Decimal(tier["interval"]) * scale)
        width = Decimal(tier["to"]) - Decimal(tier["from"]) if _is_number(tier["to"]) else None
        if width is not None and width <= 0:
            continue
        steps.append(
            Step(
                int(reached * scale),
                Decimal(tier["price"]),
                interval,
                interval if row["ceil"] else 1,
            )
        )
        if width is None:
            break
        reached += width
    else:
        steps.append(Step(int(reached * scale), Decimal(0), 1, 1))
    world.plan(name)
    of_event = {"connect_amount": row["access_price"], "span_increments": "apart"}
    _rate(world, name, "*", Price(steps, of_event), UNIT)
    quantity = int(Decimal(row["quantity"]) * scale)
    return _charged(
        world, name, UNIT, quantity, expected=row.get("exact_cost", row["expected_cost"])
    )


def round_money(row: Row, name: str, world: World) -> Check:
    """One unit that costs the value, rounded as an event."""
    value = Decimal(row["value"])
    # A price has six decimals: one with more is multiplied, as in a currency of small units.
    shift = max(0, places(row["value"]) - 6)
    rounding = {"method": row["method"], "decimals": int(Decimal(row["step"])) - shift}
    world.plan(name)
    price = Price([Step(0, abs(value) * 10**shift, 1, 1)], _rounding(rounding))
    _rate(world, name, "*", price, UNIT)
    return _charged(
        world,
        name,
        UNIT,
        -1 if value < 0 else 1,
        expected=row["expected"],
        factor=Decimal(10) ** -shift,
    )


def round_duration(row: Row, name: str, world: World) -> Check:
    """Up: to an increment of the step. Otherwise as an amount in steps, rounded as an event."""
    scale = 10 ** max(places(row["value"]), places(row["step"]))
    step = int(Decimal(row["step"]) * scale)
    quantity = int(Decimal(row["value"]) * scale)
    world.plan(name)
    if row["method"] == "up":
        _rate(world, name, "*", Price([Step(0, Decimal(1), scale, step)], {}), UNIT)
        return _charged(world, name, UNIT, quantity, expected=row["expected"])
    rounding = _rounding({"method": row["method"], "decimals": 0})
    _rate(world, name, "*", Price([Step(0, Decimal(1), step, 1)], rounding), UNIT)
    return _charged(
        world, name, UNIT, quantity, expected=row["expected"], factor=Decimal(row["step"])
    )


def listed(values: Any) -> str:
    """Return a list as a seed has it; nothing is any. Sunday is 7."""
    if values is None or values == []:
        return "*"
    several: Iterable[Any] = values if isinstance(values, list) else [values]
    return " ".join(str(int(value)) for value in several)


def places(number: object) -> int:
    """Return how many decimals a number has."""
    exponent = Decimal(str(number)).normalize().as_tuple().exponent
    return max(0, -int(exponent))


def _is_number(value: object) -> bool:
    return value is not None and str(value).lstrip("-").replace(".", "", 1).isdigit()


def _rounding(rounding: dict[str, Any]) -> dict[str, Any]:
    method = str(rounding.get("method") or "none").strip("*")
    if method == "none":
        return {}
    return {"rounding_method": method, "rounding_decimals": int(rounding["decimals"])}


def _rate(world: World, plan_id: str, band_id: str, price: Price, service: str) -> None:
    """Add a usage rate with its steps."""
    first, *later = price.steps
    rate_id = plan_id if band_id == "*" else band_id
    world.seed(
        "usage_rates",
        **{
            "usage_rate_id": rate_id,
            "rate_plan_id": plan_id,
            "service": service,
            "zone_id": "home",
            "time_band_id": band_id,
            "charge_code": world.charge_code("usage"),
            "rate_amount": f"{first.amount.normalize():f}",
            "per_units": first.per,
            "initial_increment": first.increment,
            "additional_increment": first.increment,
            "currency_code": "EUR",
            **price.of_event,
        },
    )
    for step in later:
        world.seed(
            "usage_rate_steps",
            usage_rate_step_id=f"{rate_id}-from-{step.from_units}",
            usage_rate_id=rate_id,
            from_units=step.from_units,
            rate_amount=f"{step.amount.normalize():f}",
            per_units=step.per,
            increment=step.increment,
        )


def _charged(
    world: World,
    name: str,
    service: str,
    quantity: int,
    *,
    expected: str,
    time_zone: str = "Etc/UTC",
    started_at: str = USED_AT,
    is_first_segment: str | None = None,
    factor: Decimal = Decimal(1),
) -> Check:
    """Add a subscriber with one event and return the check of what it costs."""
    subscriber = world.subscriber(name, name, time_zone=time_zone)
    measure = {"voice": "duration_seconds", "sms": "quantity"}.get(service, "volume_bytes")
    world.usage(
        subscriber,
        started_at,
        service=service,
        is_first_segment=is_first_segment,
        record_type="correction" if quantity < 0 else None,
        **{measure: quantity},
    )
    world.bill(subscriber)

    def check(world: World) -> str:
        found = world.query(
            "select sum(rated_amount), count(*) from intermediate.int_usage__rated"
            " where subscription_id = ?",
            subscriber.subscription_id,
        )
        [(amount, count)] = found
        if not count:
            return "no event was rated"
        amount = amount * factor
        return "" if amount == Decimal(expected) else f"{amount}, expected {expected}"

    return check


KINDS: dict[str, Plan] = {
    "rating/slots": slots,
    "rating/interval_tiers": interval_tiers,
    "rating/round_money": round_money,
    "rating/round_duration": round_duration,
}
