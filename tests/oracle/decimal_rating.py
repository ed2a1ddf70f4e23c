"""Rating and period pricing of a tariff in Python's `Decimal`, written from the rules in words.

One event after another, as a person would with paper and clock: nothing here looks like the SQL
that it checks, and nothing is shared with it. The rules are those of the design and of the seeds'
descriptions: bands by the local clock, spans that round up to increments which run into the next
span, allowances in order of priority, a price that is rounded to the millionth, the connection fee
once, minimum and maximum of a call, rounding of a call last; tiers on what a period adds up to.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_UP, ROUND_UP, Decimal, getcontext
from zoneinfo import ZoneInfo

getcontext().prec = 60
MILLIONTH = Decimal("0.000001")
UTC = ZoneInfo("UTC")
ROUNDINGS = {"up": ROUND_UP, "down": ROUND_DOWN, "half_up": ROUND_HALF_UP}


@dataclass(frozen=True)
class Band:
    """When a band applies: on weekdays (1 Monday to 7), from a minute of the day up to another."""

    band_id: str
    weekdays: tuple[int, int]
    start_minute: int
    end_minute: int
    priority: int = 0

    def covers(self, local: datetime) -> bool:
        minute = local.hour * 60 + local.minute
        first, last = self.weekdays
        return first <= local.isoweekday() <= last and self.start_minute <= minute < self.end_minute


@dataclass(frozen=True)
class Step:
    """From so many units of a call on: a price per units, and increments."""

    from_units: int
    rate: Decimal
    per: int
    initial: int
    additional: int


@dataclass(frozen=True)
class Tier:
    """Up to a bound (inclusive, None is open): a price per unit and a fee for entering."""

    up_to: int | None
    rate: Decimal
    flat: Decimal = Decimal(0)


@dataclass(frozen=True)
class Rate:
    """What a service costs in a band."""

    steps: tuple[Step, ...]
    connect: Decimal = Decimal(0)
    minimum: Decimal = Decimal(0)
    maximum: Decimal | None = None
    rounding: tuple[str, int] | None = None


@dataclass(frozen=True)
class Pricing:
    """What a period's charged units of a service cost: `model` and its tiers or package."""

    model: str
    tiers: tuple[Tier, ...] = ()
    package_size: int = 1
    package_amount: Decimal = Decimal(0)
    free_units: int = 0


@dataclass(frozen=True)
class Allowance:
    """Free units of a service, in some bands or all, drawn in order of priority."""

    allowance_id: str
    service: str
    band_id: str
    quantity: int
    priority: int


@dataclass(frozen=True)
class Event:
    """A call, message or session; `units` are seconds, events or bytes."""

    event_id: str
    service: str
    started_at: datetime
    units: int


@dataclass(frozen=True)
class Tariff:
    """A plan's rates by service and band, its allowances and what is priced over the period."""

    time_zone: str
    bands: tuple[Band, ...]
    rates: dict[tuple[str, str], Rate]
    allowances: tuple[Allowance, ...] = ()
    pricings: dict[str, Pricing] = field(default_factory=dict)


@dataclass(frozen=True)
class Rated:
    """What became of an event: units after increments, those free of charge, and the amount."""

    units: int
    free_units: int
    amount: Decimal


@dataclass(frozen=True)
class Span:
    """A part of an event in one band and step, rounded up."""

    rate: Rate
    step: Step
    band_id: str
    units: int


def rate_events(tariff: Tariff, events: Iterable[Event]) -> dict[str, Rated]:
    """Rate a subscription's events in order of time; allowances and tiers begin anew each month."""
    month: tuple[int, int] | None = None
    left: dict[str, int] = {}
    used: dict[str, int] = {}
    rated = {}
    for event in sorted(events, key=lambda one: (one.started_at, one.event_id)):
        local = event.started_at.astimezone(ZoneInfo(tariff.time_zone))
        if month != (local.year, local.month):
            month = (local.year, local.month)
            left = {one.allowance_id: one.quantity for one in tariff.allowances}
            used = {}
        spans = list(cut_into_spans(tariff, event))
        free = [draw(tariff.allowances, left, event.service, span) for span in spans]
        units = sum(span.units for span in spans)
        charged = units - sum(free)
        pricing = tariff.pricings.get(event.service)
        if pricing is None:
            amount = price_event(spans, free)
        else:
            before = used.get(event.service, 0)
            used[event.service] = before + charged
            amount = price_period(pricing, before + charged) - price_period(pricing, before)
        rated[event.event_id] = Rated(units, sum(free), amount)
    return rated


def cut_into_spans(tariff: Tariff, event: Event) -> Iterable[Span]:
    """Cut a call where its band or step ends; what is no call is priced by the band it starts in.

    A span is rounded up to its increments; what it takes beyond its end the next one lacks.
    """
    taken = 0
    while taken < event.units:
        moment = event.started_at
        if event.service == "voice":
            moment += timedelta(seconds=taken)
        band = band_at(tariff, moment)
        rate = tariff.rates[event.service, band.band_id]
        step = [one for one in rate.steps if one.from_units <= taken][-1]
        length = 1
        while taken + length < event.units and not _ends(tariff, event, taken, length, band, rate):
            length += 1
        if taken == 0:
            more = max(length - step.initial, 0)
            units = step.initial + -(-more // step.additional) * step.additional
        else:
            units = -(-length // step.additional) * step.additional
        yield Span(rate, step, band.band_id, units)
        taken += units


def _ends(tariff: Tariff, event: Event, taken: int, length: int, band: Band, rate: Rate) -> bool:
    if any(one.from_units == taken + length for one in rate.steps):
        return True
    if event.service != "voice":
        return False
    now = event.started_at + timedelta(seconds=taken + length)
    return band_at(tariff, now) != band or _day(tariff, now) != _day(
        tariff, now - timedelta(seconds=1)
    )


def _day(tariff: Tariff, moment: datetime) -> object:
    return moment.astimezone(ZoneInfo(tariff.time_zone)).date()


def band_at(tariff: Tariff, moment: datetime) -> Band:
    """Return the band of a moment: the highest priority, then the latest start."""
    local = moment.astimezone(ZoneInfo(tariff.time_zone))
    covering = [band for band in tariff.bands if band.covers(local)]
    return max(covering, key=lambda band: (band.priority, band.start_minute))


def draw(allowances: Sequence[Allowance], left: dict[str, int], service: str, span: Span) -> int:
    """Take a span's units from what the allowances have left, and return how many that was."""
    free = 0
    for one in sorted(allowances, key=lambda one: (one.priority, one.allowance_id)):
        if one.service == service and one.band_id in ("*", span.band_id):
            taken = min(span.units - free, left[one.allowance_id])
            left[one.allowance_id] -= taken
            free += taken
    return free


def price_event(spans: Sequence[Span], free: Sequence[int]) -> Decimal:
    """Return what an event costs: its spans, connection, least and most, rounding."""
    charged = sum(span.units for span in spans) - sum(free)
    if charged == 0:
        return Decimal(0)
    first = spans[0].rate
    amount = first.connect
    for span, free_units in zip(spans, free, strict=True):
        amount += price(span.step.rate, span.units - free_units, span.step.per)
    amount = max(amount, first.minimum)
    if first.maximum is not None:
        amount = min(amount, first.maximum)
    if first.rounding is not None:
        method, decimals = first.rounding
        amount = amount.quantize(Decimal(1).scaleb(-decimals), ROUNDINGS[method])
    return amount


def price(rate: Decimal, units: int, per: int) -> Decimal:
    """Return units at a rate per so many, rounded once to the millionth, half away from zero."""
    return (rate * units / per).quantize(MILLIONTH, ROUND_HALF_UP)


def price_period(pricing: Pricing, units: int) -> Decimal:
    """Return what a period's units cost; the first tier's fee is due without any."""
    if pricing.model == "package":
        packages = -(-max(units - pricing.free_units, 0) // pricing.package_size)
        return packages * pricing.package_amount
    if pricing.model == "volume":
        for tier in pricing.tiers:
            if tier.up_to is None or units <= tier.up_to:
                return price(tier.rate, units, 1) + tier.flat
    total, reached = Decimal(0), 0
    for number, tier in enumerate(pricing.tiers):
        if number and units <= reached:
            break
        end = units if tier.up_to is None else min(units, tier.up_to)
        total += price(tier.rate, end - reached, 1) + tier.flat
        reached = end if tier.up_to is None else tier.up_to
    return total
