"""Kinds of timebands.jsonl: whether a moment is inside a band."""

from __future__ import annotations

from typing import Any

from world import World

from kinds.rating import listed
from kinds.types import Check, Plan, Row


def plain(row: Row, name: str, world: World) -> Check:
    """A band before all others of its set, its end inclusive; a message tells which one it is."""
    band = row["band"]
    start, end = band.get("start") or "00:00:00", band.get("end") or "24:00:00"
    if end < start:
        raise NotImplementedError("a band past midnight")
    weekdays = [7 if int(day) == 0 else day for day in band.get("weekdays") or ()]
    world.plan(name, time_band_set_id=name)
    world.seed(
        "time_bands",
        time_band_set_id=name,
        time_band_id="inside",
        weekdays=listed(weekdays),
        months=listed(band.get("months")),
        month_days=listed(band.get("month_days")),
        years=listed(band.get("years")),
        start_time=start,
        **_end(start, end),
    )
    world.seed("time_bands", time_band_set_id=name, time_band_id="outside", priority=1)
    world.seed(
        "usage_rates",
        usage_rate_id=name,
        rate_plan_id=name,
        service="sms",
        zone_id="home",
        charge_code=world.charge_code("usage"),
        rate_amount=1,
        currency_code="EUR",
    )
    subscriber = world.subscriber(name, name)
    world.usage(subscriber, f"{row['at'].removesuffix('Z')}Z", service="sms")
    world.bill(subscriber)

    def check(world: World) -> str:
        [(found,)] = world.query(
            "select time_band_id from intermediate.int_usage__rated where subscription_id = ?",
            subscriber.subscription_id,
        )
        wanted = "inside" if row["expected_member"] else "outside"
        return "" if found == wanted else f"{found}, expected {wanted}"

    return check


def _end(start: str, end: str) -> dict[str, Any]:
    """Return the columns of an inclusive end; of a band of one second the next second."""
    if start != end:
        return {"end_time": end, "end_inclusive": True}
    hour, minute, second = (int(part) for part in f"{end}:00".split(":")[:3])
    after = hour * 3600 + minute * 60 + second + 1
    end_time = f"{after // 3600:02d}:{after // 60 % 60:02d}:{after % 60:02d}"
    return {"end_time": end_time, "end_inclusive": False}


KINDS: dict[str, Plan] = {"timebands/plain": plain}
