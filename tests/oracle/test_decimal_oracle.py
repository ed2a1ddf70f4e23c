"""The second outside oracle: tariffs and usage made up at random, rated by paper and clock.

Hypothesis makes tariffs (bands, steps, increments, connection, least and most, rounding,
allowances, tiers) and events on their edges: a second around every boundary, the nights when clocks
change, leap days, calls of no length, the last free second. The warehouse rates all of them in one
build; any difference of a millionth fails.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from decimal_rating import (
    Allowance,
    Band,
    Event,
    Pricing,
    Rate,
    Rated,
    Step,
    Tariff,
    Tier,
    rate_events,
)
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from world import Subscriber, World

pytestmark = pytest.mark.heavy

CASES = 120
BILL_DATE = date(2027, 1, 1)
ZONES = ("Europe/Berlin", "America/New_York", "Etc/UTC", "Australia/Lord_Howe", "Asia/Kathmandu")
# Local days whose nights are long, short or rare, and an ordinary one.
DAYS = ("2026-03-29", "2026-10-25", "2026-03-08", "2026-11-01", "2024-02-29", "2026-10-14")
BOUNDS = (0, 420, 480, 1020, 1200, 1320)
SERVICES = ("voice", "sms", "data")
amounts = st.one_of(
    st.sampled_from((0, 1, 5, 90_000, 170_000, 333_333, 1_000_000, 2_999_999)),
    st.integers(1_000, 3_000_000),
).map(lambda millionths: Decimal(millionths).scaleb(-6))
increments = st.sampled_from((1, 1, 6, 10, 30, 60))


@st.composite
def band_sets(draw: st.DrawFn) -> tuple[Band, ...]:
    """A band for the whole week, and up to three over it."""
    bands = [Band("b0", (1, 7), 0, 1440, 0)]
    for number in range(1, draw(st.integers(1, 4))):
        first = draw(st.integers(1, 7))
        start = draw(st.sampled_from(BOUNDS))
        end = draw(st.sampled_from([bound for bound in (*BOUNDS, 1440) if bound > start]))
        weekdays = (first, draw(st.integers(first, 7)))
        bands.append(Band(f"b{number}", weekdays, start, end, number))
    return tuple(bands)


@st.composite
def rates(draw: st.DrawFn, service: str) -> Rate:
    """A price with up to two more steps inside a call."""
    per = draw(st.sampled_from((1, 60, 1024, 7)))
    first = Step(0, draw(amounts), per, draw(increments), draw(increments))
    steps = [first]
    bounds = draw(st.lists(st.sampled_from((30, 60, 180, 600)), max_size=2, unique=True))
    for from_units in sorted(bounds):
        increment = draw(increments)
        steps.append(Step(from_units, draw(amounts), per, increment, increment))
    least = draw(st.one_of(st.just(Decimal(0)), amounts))
    most = draw(st.one_of(st.none(), amounts))
    return Rate(
        tuple(steps),
        draw(st.one_of(st.just(Decimal(0)), amounts)) if service == "voice" else Decimal(0),
        least,
        None if most is None else max(most, least),
        draw(
            st.one_of(
                st.none(),
                st.tuples(st.sampled_from(("up", "down", "half_up")), st.integers(0, 6)),
            )
        ),
    )


@st.composite
def pricings(draw: st.DrawFn) -> Pricing:
    """Tiers or a package over the period."""
    if draw(st.booleans()):
        size = draw(st.sampled_from((1, 10, 1000)))
        return Pricing("package", package_size=size, package_amount=draw(amounts))
    bounds = sorted(draw(st.lists(st.integers(1, 400), max_size=3, unique=True)))
    return Pricing(
        "graduated",
        tuple(Tier(bound, draw(amounts), draw(amounts)) for bound in (*bounds, None)),
    )


@st.composite
def tariffs(draw: st.DrawFn) -> Tariff:
    """A plan with all its prices."""
    bands = draw(band_sets())
    names = sorted({band.band_id for band in bands})
    prices = {(service, name): draw(rates(service)) for service in SERVICES for name in names}
    allowances = tuple(
        Allowance(
            f"a{number}",
            draw(st.sampled_from(SERVICES)),
            draw(st.sampled_from(("*", *names))),
            draw(st.sampled_from((1, 30, 59, 60, 61, 300, 1000))),
            draw(st.integers(1, 3)),
        )
        for number in range(draw(st.integers(0, 4)))
    )
    priced = {"data": draw(pricings())} if draw(st.booleans()) else {}
    for (service, name), rate in prices.items():
        if service in priced:
            # What a period is priced by leaves nothing to say of one event.
            prices[service, name] = replace(
                rate, connect=Decimal(0), minimum=Decimal(0), maximum=None, rounding=None
            )
    return Tariff(draw(st.sampled_from(ZONES)), bands, prices, allowances, priced)


@st.composite
def usages(draw: st.DrawFn, tariff: Tariff) -> tuple[Event, ...]:
    """Events a second around what matters."""
    day = draw(st.sampled_from(DAYS))
    midnight = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(tariff.time_zone))
    events = []
    for number in range(draw(st.integers(3, 9))):
        minute = draw(st.sampled_from((*BOUNDS, 60, 120, 150, 180, 1440)))
        beside = draw(st.sampled_from((-61, -60, -1, 0, 1, 59, 3600)))
        started = midnight.astimezone(UTC) + timedelta(minutes=minute, seconds=beside)
        service = draw(st.sampled_from(SERVICES))
        units = draw(st.sampled_from((0, 1, 29, 30, 31, 59, 60, 61, 179, 181, 599, 3601)))
        # Of one instant the house orders events by an id of its own making.
        if all(one.started_at != started for one in events):
            events.append(Event(f"e{number}", service, started, 1 if service == "sms" else units))
    return tuple(events)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Tariff, tuple[Event, ...]]:
    """A tariff with usage of its own."""
    tariff = draw(tariffs())
    return tariff, draw(usages(tariff))


@settings(
    max_examples=CASES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(case=cases())
def _make(made: list[tuple[Tariff, tuple[Event, ...]]], case: Any) -> None:
    made.append(case)


def test_random_tariffs_are_rated_as_by_paper_and_clock(tmp_path: Path) -> None:
    made: list[tuple[Tariff, tuple[Event, ...]]] = []
    _make(made)
    assert len(made) >= CASES
    _compare(made, tmp_path)


def _compare(made: list[tuple[Tariff, tuple[Event, ...]]], folder: Path) -> None:
    world = World(folder)
    planned = []
    for number, (tariff, events) in enumerate(made):
        name = f"o{number:04d}"
        subscriber = _plan(world, name, tariff)
        renamed = tuple(_record(world, subscriber, event) for event in events)
        world.bill(subscriber, BILL_DATE)
        planned.append((subscriber, tariff, renamed))
    failed = [result for result in world.build() if result.has_failed]
    assert not failed, "\n".join(f"{one.unique_id}: {one.message}" for one in failed)
    assert world.rejects() == []
    found = {
        (subscription, record): Rated(int(units), int(free), amount)
        for subscription, record, units, free, amount in world.query(
            "select subscription_id, record_id, sum(units), sum(free_units), sum(rated_amount)"
            " from intermediate.int_usage__rated"
            " inner join staging.stg_landing__usage using (file_id, record_number)"
            " group by all"
        )
    }
    differing = []
    for subscriber, tariff, events in planned:
        expected = rate_events(tariff, events)
        for event in events:
            rated = found.get((subscriber.subscription_id, event.event_id))
            if rated != expected[event.event_id]:
                differing.append(f"{event}: {rated}, expected {expected[event.event_id]} {tariff}")
    count = sum(len(events) for _, _, events in planned)
    assert not differing, f"{len(differing)} of {count} differ\n" + "\n".join(differing[:3])
    assert len(found) == count


def _record(world: World, subscriber: Subscriber, event: Event) -> Event:
    values: dict[str, Any] = {"service": event.service}
    if event.service == "voice":
        values["duration_seconds"] = event.units
    elif event.service == "data":
        values["volume_bytes"] = event.units
    started = event.started_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return replace(event, event_id=world.usage(subscriber, started, **values))


def _plan(world: World, name: str, tariff: Tariff) -> Subscriber:
    world.seed(
        "time_band_sets",
        time_band_set_id=name,
        description=name,
        time_zone_basis="account",
        crossing="split",
    )
    for band in tariff.bands:
        first, last = band.weekdays
        world.seed(
            "time_bands",
            time_band_set_id=name,
            time_band_id=band.band_id,
            priority=band.priority,
            weekdays=" ".join(str(day) for day in range(first, last + 1)),
            start_time=_clock(band.start_minute),
            end_time=_clock(band.end_minute),
        )
    world.plan(name, time_band_set_id=name)
    for (service, band_id), rate in tariff.rates.items():
        _price(world, name, service, band_id, rate, tariff.pricings.get(service))
    for service, pricing in tariff.pricings.items():
        _tiers(world, f"{name}-{service}", pricing)
    for one in tariff.allowances:
        scope = f"{name}-{one.allowance_id}"
        world.seed(
            "allowance_scopes",
            allowance_scope_id=scope,
            service=one.service,
            zone_id="*",
            time_band_id=one.band_id,
        )
        world.seed(
            "allowances",
            allowance_id=scope,
            plan_id=name,
            allowance_scope_id=scope,
            description=scope,
            quantity=one.quantity,
            unit={"voice": "seconds", "sms": "events", "data": "bytes"}[one.service],
            priority=one.priority,
        )
    return world.subscriber(name, name, time_zone=tariff.time_zone)


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _price(
    world: World, name: str, service: str, band_id: str, rate: Rate, pricing: Pricing | None
) -> None:
    rate_id = f"{name}-{service}-{band_id}"
    first, *further = rate.steps
    world.seed(
        "usage_rates",
        usage_rate_id=rate_id,
        rate_plan_id=name,
        service=service,
        zone_id="home",
        time_band_id=band_id,
        charge_code=world.charge_code("usage"),
        rate_amount=first.rate,
        per_units=first.per,
        connect_amount=rate.connect,
        minimum_amount=rate.minimum,
        maximum_amount=rate.maximum,
        maximum_strategy=None if rate.maximum is None else "free",
        initial_increment=first.initial,
        additional_increment=first.additional,
        rounding_method=rate.rounding[0] if rate.rounding else None,
        rounding_decimals=rate.rounding[1] if rate.rounding else None,
        price_tier_set_id=f"{name}-{service}" if pricing else None,
        currency_code="EUR",
    )
    for step in further:
        world.seed(
            "usage_rate_steps",
            usage_rate_step_id=f"{rate_id}-{step.from_units}",
            usage_rate_id=rate_id,
            from_units=step.from_units,
            rate_amount=step.rate,
            per_units=step.per,
            increment=step.additional,
        )


def _tiers(world: World, name: str, pricing: Pricing) -> None:
    world.seed(
        "price_tier_sets",
        price_tier_set_id=name,
        description=name,
        pricing_model="graduated",
        zero_usage="due",
        pass_increment=1,
    )
    tiers = pricing.tiers or (Tier(None, pricing.package_amount),)
    for number, tier in enumerate(tiers):
        world.seed(
            "price_tiers",
            price_tier_id=f"{name}-{number}",
            price_tier_set_id=name,
            up_to=tier.up_to,
            rate_amount=tier.rate,
            per_units=pricing.package_size,
            flat_amount=tier.flat,
            block_size=pricing.package_size,
        )
