"""The arithmetic of one rated record, spelled out from its row and its tariff rows."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

from orchestration.lib.warehouse import Row
from orchestration.review.tariff_rows import (
    FAIR_USE_LIMITS,
    PRICE_TIERS,
    USAGE_RATE_STEPS,
    ZONES,
    Tariff,
    TariffRow,
)
from orchestration.review.text import UNITS, plain

MILLIONTH = Decimal("0.000001")


def record_text(segment: Row, rate: TariffRow, tariff: Tariff) -> str:
    """Spell out one segment: increments, what is free, the price, what bounds it, the rounding.

    The figures are the segment's own; the tariff rows say which rule leads from one to the next.
    """
    steps = _units(segment, rate)
    amount = plain(segment["rated_amount"], 6)
    if segment.get("price_tier_set_id"):
        return f"{steps}; {_tiers(segment, tariff)} = {amount}"
    if not segment["charged_units"]:
        return f"{steps}; nothing to charge = {amount}"
    priced, expected = _price(segment, tariff)
    connect = segment["connect_amount"]
    if connect:
        priced += f" + {plain(connect, 6)} connect fee"
        expected += connect
    bounds = _bounds(rate)
    if bounds and expected != segment["rated_amount"]:
        priced += f"; of the whole event {', '.join(bounds)}"
    return f"{steps}; {priced} = {amount}"


def place_text(segment: Row, tariff: Tariff) -> str:
    """Say what a record got its rate by: its zone, the country and the network it was made in."""
    zone_id = segment["zone_id"]
    label = tariff.row(ZONES, zone_id).values.get("label_en") if zone_id else None
    parts = (
        f"zone {zone_id}{f' ({label})' if label else ''}" if zone_id else "",
        f"country {segment['country_code']}" if segment["country_code"] else "",
        f"network {segment['serving_network']}" if segment["serving_network"] else "",
    )
    return ", ".join(part for part in parts if part)


def _units(segment: Row, rate: TariffRow) -> str:
    unit = UNITS.get(segment["service"], "units")
    text = (
        f"{segment['measured_units']:,} {unit} in increments of "
        f"{rate.values.get('initial_increment', '?')}/"
        f"{rate.values.get('additional_increment', '?')} = {segment['units']:,}"
    )
    if segment["segment_number"] > 1:
        text = f"part from {segment['segment_started_at']:%H:%M:%S} UTC: {text}"
    if segment["free_units"]:
        scope = segment.get("allowance_scope_id") or "allowances"
        text += f"; - {segment['free_units']:,} free ({scope}) = {segment['charged_units']:,}"
    return text


def _price(segment: Row, tariff: Tariff) -> tuple[str, Decimal]:
    """Return how units become an amount, and the amount by the rate alone.

    What is over a fair use limit has that limit's price instead of the rate's.
    """
    over = segment.get("over_limit_units") or 0
    units, rate, per = segment["charged_units"] - over, segment["rate_amount"], segment["per_units"]
    by_rate = (Decimal(units) * rate / per).quantize(MILLIONTH, ROUND_HALF_UP)
    steps = tariff.rows_of(USAGE_RATE_STEPS, "usage_rate_id", segment["usage_rate_id"])
    text = f"{units:,} x {plain(rate, 6)} / {per:,}"
    if steps:
        text += f" (steps of the call: {_listed(steps, 'from_units', 'from')})"
    if over:
        limit = tariff.row(FAIR_USE_LIMITS, segment["fair_use_limit_id"])
        amount, per = limit.values.get("rate_amount", "?"), limit.values.get("per_units", "?")
        text += f" + {over:,} x {amount} / {per} over the fair use limit {limit}"
    return text, by_rate


def _tiers(segment: Row, tariff: Tariff) -> str:
    """Say what an event adds to the price of its period: that after it less that before it."""
    before, after = segment.get("counted_units_before"), segment.get("counted_units")
    name = segment["price_tier_set_id"]
    tiers = tariff.rows_of(PRICE_TIERS, "price_tier_set_id", name)
    counted = (
        f"price of {after:,} counted in the period - price of {before:,} before it"
        if before is not None and after is not None
        else f"{segment['charged_units']:,} units"
    )
    listed = f": {_listed(tiers, 'up_to', 'up to')}" if tiers else ""
    return f"{counted} (tiers {name}{listed})"


def _listed(rows: Sequence[TariffRow], bound: str, word: str) -> str:
    parts = []
    for row in rows:
        at = row.values.get(bound) or "no end"
        flat = row.values.get("flat_amount")
        price = f"{row.values.get('rate_amount', '?')} per {row.values.get('per_units', '1')}"
        added = f" + {flat}" if flat and Decimal(flat) else ""
        parts.append(f"{word} {at} {price}{added}, line {row.line_number}")
    return "; ".join(parts)


def _bounds(rate: TariffRow) -> list[str]:
    """Return the rules of a rate that change an event's amount after its price."""
    values, bounds = rate.values, []
    if values.get("minimum_amount"):
        bounds.append(f"at least {values['minimum_amount']}")
    if values.get("maximum_amount"):
        strategy = values.get("maximum_strategy") or "free"
        bounds.append(f"at most {values['maximum_amount']} ({strategy})")
    if values.get("rounding_method"):
        decimals = values.get("rounding_decimals") or "6"
        bounds.append(f"rounded {values['rounding_method']} to {decimals} decimals")
    return bounds
