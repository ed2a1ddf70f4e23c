"""The benchmark's job as a loop over events in Python's Decimal, as most billing engines do it.

Written from the words of the benchmark and not from any SQL: it is the one that the others must
agree with. Amounts in EUR, exact until a line of an invoice, which is rounded half up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import duckdb

from orchestration.bench.rivals.measured import run_job
from orchestration.bench.totals import Totals

ZERO, CENT, MILLIONTH = Decimal(0), Decimal("0.01"), Decimal("0.000001")
HOME_NETWORK, BLOCK_BYTES = 26201, 10_240
PRICE_CHANGE = datetime(2026, 10, 16)  # noqa: DTZ001 - the benchmark's clock is UTC
MONTH_START, MONTH_END, MONTH_DAYS = date(2026, 10, 1), date(2026, 11, 1), 31
TIERS = ((0, 100_000), (100_000, 500_000), (500_000, 10**9))
BATCH = 50_000


@dataclass
class Tables:
    """The tariff and who is billed, by their keys."""

    subscribers: dict[int, tuple[Any, ...]]
    plans: dict[int, tuple[Any, ...]]
    prefixes: dict[str, tuple[int, int, int]]
    networks: dict[int, tuple[int, int, int, bool]]
    rates: dict[tuple[Any, ...], tuple[Decimal, Decimal]]
    overages: dict[tuple[int, bool], tuple[Decimal, ...]]
    regions: dict[int, tuple[Decimal, Decimal]]


@dataclass
class Rated:
    """What the loop adds up on its way."""

    events: int = 0
    suspended: int = 0
    free_units: int = 0
    amount: Decimal = ZERO
    lines: dict[tuple[int, str], Decimal] = field(default_factory=dict)


def rate(tables: Path, results: Path) -> Totals:
    """Rate the tables, write the rated events as CSV, and bill every subscriber."""
    with duckdb.connect() as connection:
        read = _read(connection, tables)
        rated = Rated()
        with (results / "rated.csv").open("w", encoding="utf-8") as file:
            for row in _rate_events(_events(connection, tables), read, rated):
                file.write(f"{','.join(map(str, row))}\n")
    return _bill(read, rated)


def _read(connection: duckdb.DuckDBPyConnection, tables: Path) -> Tables:
    def rows(name: str) -> list[tuple[Any, ...]]:
        return connection.execute(f"from '{tables}/{name}.parquet'").fetchall()

    return Tables(
        subscribers={row[0]: row[1:] for row in rows("subscribers")},
        plans={row[0]: row[1:] for row in rows("plans")},
        prefixes={row[0]: row[1:] for row in rows("prefixes")},
        networks={row[0]: row[1:] for row in rows("networks")},
        rates={(*row[:5], bool(row[5])): row[6:] for row in rows("rates")},
        overages={(row[0], bool(row[1])): row[2:] for row in rows("overages")},
        regions={row[0]: row[1:] for row in rows("regions")},
    )


def _events(connection: duckdb.DuckDBPyConnection, tables: Path) -> list[tuple[Any, ...]]:
    """Each event once, by subscriber in the order of time."""
    found = connection.execute(
        "select event_id, msisdn, started_at, service, duration_seconds, volume_bytes, dialled,"
        f" mcc_mnc from '{tables}/usage.parquet'"
    )
    seen: set[int] = set()
    events = []
    while batch := found.fetchmany(BATCH):
        for row in batch:
            if row[0] not in seen:
                seen.add(row[0])
                events.append(row)
    events.sort(key=lambda row: (row[1], row[2], row[0]))
    return events


def _rate_events(
    events: list[tuple[Any, ...]], read: Tables, rated: Rated
) -> Iterator[tuple[Any, ...]]:
    subscriber, used = None, dict.fromkeys(("voice", "sms", "data"), 0)
    for event_id, msisdn, started_at, service, seconds, volume, dialled, network in events:
        if msisdn != subscriber:
            subscriber, used = msisdn, dict.fromkeys(used, 0)
        rated.events += 1
        is_roaming = network != HOME_NETWORK
        place = _place(read, service, dialled, network if is_roaming else None)
        known = read.subscribers.get(msisdn)
        if known is None or place is None:
            rated.suspended += 1
            yield event_id, msisdn, "suspended"
            continue
        zone, first, further, is_covered = place
        units = _units(service, seconds, volume, first, further)
        plan, free = known[0], 0
        included = dict(zip(used, read.plans[plan][1:], strict=True))[service]
        before = used[service]
        if is_covered:
            used[service] += units
            free = max(min(units, included - before), 0)
        version = started_at >= PRICE_CHANGE
        amount = ZERO
        if units and is_covered and service == "data":
            start, end = before - included, before - included + units
            for (above, up_to), price in zip(TIERS, read.overages[plan, version], strict=True):
                amount += max(min(end, up_to) - max(start, above), 0) * price
        elif units:
            key = (plan, service, is_roaming, zone, _band(started_at), version)
            connect, price = read.rates[key]
            amount = (units - free) * price + (ZERO if free else connect)
        line = _line(service, zone, is_roaming)
        rated.lines[msisdn, line] = rated.lines.get((msisdn, line), ZERO) + amount
        rated.amount += amount
        rated.free_units += free
        yield event_id, msisdn, started_at, service, zone, units, free, amount


def _place(
    read: Tables, service: str, dialled: str | None, visited: int | None
) -> tuple[int, int, int, bool] | None:
    """Return zone, increments and whether the plan covers it; None for a place nobody knows."""
    if visited is not None:
        return read.networks.get(visited)
    if service == "data":
        return 0, 0, 0, True
    for length in range(7, 0, -1):
        found = read.prefixes.get((dialled or "")[:length])
        if found:
            return *found, found[0] < 2
    return None


def _units(service: str, seconds: int, volume: int, first: int, further: int) -> int:
    if service == "sms":
        return 1
    if service == "data":
        return -(-volume // BLOCK_BYTES)
    return 0 if seconds == 0 else first - (-max(seconds - first, 0) // further) * further


def _band(started_at: datetime) -> int:
    if started_at.isoweekday() >= 6:
        return 2
    return 0 if 8 <= started_at.hour < 20 else 1


def _line(service: str, zone: int, is_roaming: bool) -> str:
    if is_roaming:
        return f"roaming {service}"
    if service == "voice":
        return "national" if zone < 2 else "international"
    return service


def _round(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


def _bill(read: Tables, rated: Rated) -> Totals:
    used: dict[int, Decimal] = {}
    for (msisdn, _), amount in rated.lines.items():
        used[msisdn] = used.get(msisdn, ZERO) + _round(amount)
    net_amount = first_amount = second_amount = ZERO
    checksum = 0
    for msisdn, (plan, active_from, active_to, points, region) in read.subscribers.items():
        days = max((min(active_to, MONTH_END) - max(active_from, MONTH_START)).days, 0)
        fee = _round(read.plans[plan][0] * days / MONTH_DAYS)
        usage = used.get(msisdn, ZERO)
        percent = Decimal(10 if usage >= 50 else 5 if usage >= 20 else 0)
        net = fee - _round(fee * points / 10_000) + usage - _round(usage * percent / 100)
        first_rate, second_rate = read.regions[region]
        first = _round(net * first_rate)
        second = _round((net + first) * second_rate)
        net_amount, first_amount, second_amount = (
            net_amount + net,
            first_amount + first,
            second_amount + second,
        )
        checksum += int((net + first + second) * 100) * (msisdn % 1009)
    return Totals(
        events=rated.events,
        suspended=rated.suspended,
        free_units=rated.free_units,
        rated_amount=rated.amount.quantize(MILLIONTH),
        invoices=len(read.subscribers),
        net_amount=net_amount,
        first_tax_amount=first_amount,
        second_tax_amount=second_amount,
        total_amount=net_amount + first_amount + second_amount,
        checksum=checksum % 1_000_000_007,
    )


if __name__ == "__main__":
    run_job(rate)
