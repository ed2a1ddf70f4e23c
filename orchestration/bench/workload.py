"""The workload of the common benchmark: its tariff and its usage, the same on every machine.

Six plans, 2,000 prefixes in 60 zones, 200 visited networks in 40 roaming zones, three bands, two
versions of every price; a subscriber for every hundred events, one event in a hundred sent twice.
Deterministic: the tariff by Python's random numbers from a fixed seed, usage by DuckDB's `hash`
(stable within one version of DuckDB). Amounts are millionths or cents, as whole numbers.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb

from orchestration.collect.kinds import quote

SEED = 20261001
PREFIXES = 2_000
MONTH_START, PRICE_CHANGE, MONTH_END = date(2026, 10, 1), date(2026, 10, 16), date(2026, 11, 1)
HOME_NETWORK = 26201
# First and further increment in seconds, by class.
INCREMENTS = ((60, 1), (1, 1), (60, 60))
BLOCK_BYTES = 10_240
ROAM_LIKE_HOME_ZONES = 10
VOICE, SMS, DATA = 1, 2, 3
SERVICE_NAMES = {VOICE: "voice", SMS: "sms", DATA: "data"}
# Basis points of tax in each region: on the price, and on the price with the first.
REGION_TAXES = (
    (1900, 0),
    (700, 150),
    (2000, 0),
    (2100, 275),
    (0, 500),
    (2500, 0),
    (825, 199),
    (1000, 333),
)
COUNTRY_CODES = (
    "1 20 211 212 213 216 218 220 221 222 223 224 225 226 227 228 229 230 231 232 233 234 235 236"
    " 237 238 239 240 241 242 243 244 245 248 249 250 251 252 253 254 255 256 257 258 260 261 262"
    " 263 264 265 266 267 268 269 27 290 291 297 298 299 30 31 32 33 34 350 351 352 353 354 355 356"
    " 357 358 359 36 370 371 372 373 374 375 376 377 378 380 381 382 383 385 386 387 389 39 40 41"
    " 420 421 423 43 44 45 46 47 48 49 500 501 502 503 504 505 506 507 508 509 51 52 53 54 55 56 57"
    " 58 590 591 592 593 594 595 596 597 598 599 60 61 62 63 64 65 66 670 672 673 674 675 676 677"
    " 678 679 680 681 682 683 685 686 687 688 689 690 691 692 7 81 82 84 850 852 853 855 856 86 880"
    " 886 90 91 92 93 94 95 960 961 962 963 964 965 966 967 968 970 971 972 973 974 975 976 977 98"
    " 992 993 994 995 996 998"
)


@dataclass(frozen=True)
class Prefix:
    """A dialled beginning, the zone it leads to and its operator's increment class."""

    digits: str
    zone: int
    increment: int


@dataclass(frozen=True)
class Network:
    """A visited network, its roaming zone and increment class."""

    mcc_mnc: int
    zone: int
    increment: int

    @property
    def is_like_home(self) -> bool:
        return self.zone < ROAM_LIKE_HOME_ZONES


@dataclass(frozen=True)
class Plan:
    """A plan's monthly fee in cents and what it includes: seconds, messages, blocks."""

    plan: int
    fee_cents: int
    included: tuple[int, int, int]


@dataclass(frozen=True)
class UnitRate:
    """What a unit costs, in millionths, with the fee of a connection."""

    plan: int
    service: int
    is_roaming: bool
    zone: int
    band: int
    version: int
    connect_millionths: int
    unit_millionths: int


@dataclass(frozen=True)
class Overage:
    """What a block of data costs beyond the plan's, in millionths, by tier."""

    plan: int
    version: int
    block_millionths: tuple[int, int, int]


@dataclass(frozen=True)
class Tariff:
    """All prices of the benchmark."""

    prefixes: tuple[Prefix, ...]
    networks: tuple[Network, ...]
    plans: tuple[Plan, ...]
    rates: tuple[UnitRate, ...]
    overages: tuple[Overage, ...]


def make_tariff() -> Tariff:
    """Return the tariff: the same for every size."""
    numbers = random.Random(SEED)  # noqa: S311 - a workload, no secret
    prefixes = _make_prefixes(numbers)
    networks = []
    for position in range(200):
        mcc_mnc = 20_200 + position * 13
        networks.append(
            Network(99_901 if mcc_mnc == HOME_NETWORK else mcc_mnc, position % 40, position % 3)
        )
    block = 100_000
    fees = (999, 1499, 1999, 2999, 3999, 5999)
    seconds = (3_000, 6_000, 12_000, 30_000, 60_000, 120_000)
    messages = (50, 100, 200, 500, 1_000, 3_000)
    blocks = (block, 2 * block, 5 * block, 10 * block, 20 * block, 50 * block)
    plans = tuple(
        Plan(number, fee, included)
        for number, (fee, included) in enumerate(
            zip(fees, zip(seconds, messages, blocks, strict=True), strict=True), 1
        )
    )
    rates: list[UnitRate] = []
    overages: list[Overage] = []
    for plan in range(1, 7):
        for version in (0, 1):
            tiers = (97 - 7 * plan + 3 * version, 61 - 5 * plan + 2 * version)
            overages.append(Overage(plan, version, (*tiers, 29 - 2 * plan + version)))
            rates.extend(_make_rates(numbers, plan, version))
    return Tariff(prefixes, tuple(networks), plans, tuple(rates), tuple(overages))


def _make_prefixes(numbers: random.Random) -> tuple[Prefix, ...]:
    found: dict[str, tuple[int, int]] = {}
    for position, code in enumerate(COUNTRY_CODES.split()):
        found[code] = (0 if code == "49" else 2 + position % 58, position % 3)
    for mobile in ("4915", "4916", "4917"):
        found[mobile] = (1, 0)
    while len(found) < PREFIXES:
        code = numbers.choice(COUNTRY_CODES.split())
        length = numbers.randint(1, 7 - len(code))
        digits = code + "".join(numbers.choice("0123456789") for _ in range(length))
        if digits in found:
            continue
        if code == "49":
            longest = max((one for one in found if digits.startswith(one)), key=len)
            zone = found[longest][0]
        else:
            zone = 2 + numbers.randrange(58)
        found[digits] = (zone, INCREMENTS.index(numbers.choice(INCREMENTS)))
    return tuple(Prefix(digits, *found[digits]) for digits in sorted(found))


def _make_rates(numbers: random.Random, plan: int, version: int) -> list[UnitRate]:
    """Home data has no unit rate: it is priced by tiers."""
    rates = []
    for service in (VOICE, SMS, DATA):
        for is_roaming in (False, True):
            if service == DATA and not is_roaming:
                continue
            for zone in range(40 if is_roaming else 60):
                for band in (0, 1, 2):
                    base = {
                        VOICE: lambda: numbers.randrange(300, 30_000),
                        SMS: lambda: numbers.randrange(20_000, 400_000),
                        DATA: lambda: numbers.randrange(500, 9_000),
                    }[service]()
                    if not is_roaming and zone < 2:
                        base = base // 10 + 100
                    connect = numbers.choice([0, 50_000, 150_000]) if service == VOICE else 0
                    unit = base * (10 - band) // 10
                    rates.append(
                        UnitRate(plan, service, is_roaming, zone, band, version, connect, unit)
                    )
    return rates


def make_usage(connection: duckdb.DuckDBPyConnection, tariff: Tariff, events: int) -> None:
    """Make the tables `subscribers` and `usage`; one row in a hundred of usage is a copy."""
    if connection.execute("select version()").fetchone() != ("v2.0.0",):
        raise RuntimeError("the workload's usage is made by the hash of DuckDB 2.0.0")
    connection.execute("create or replace temp table foreign_prefixes (digits varchar, number int)")
    foreign = [one.digits for one in tariff.prefixes if not one.digits.startswith("49")]
    connection.executemany(
        "insert into foreign_prefixes values (?, ?)",
        [(digits, number) for number, digits in enumerate(foreign)],
    )
    connection.execute("create or replace temp table visited (mcc_mnc int, number int)")
    visited = sorted(one.mcc_mnc for one in tariff.networks)
    connection.executemany(
        "insert into visited values (?, ?)",
        [(mcc_mnc, number) for number, mcc_mnc in enumerate(visited)],
    )
    sql = (Path(__file__).parent / "workload.sql").read_text(encoding="utf-8")
    for name, value in (
        ("subscriber_count", max(events // 100, 1)),
        ("event_count", events),
        ("copy_count", events // 100),
        ("foreign_count", len(foreign)),
    ):
        connection.execute(f"set variable {name} = {value}")
    connection.execute(sql)


# Where the workload lies for engines that read tables, beside the home.
TABLES_FOLDER = "tables"


def write_tables(connection: duckdb.DuckDBPyConnection, tariff: Tariff, folder: Path) -> None:
    """Write the workload as Parquet, prices as decimals: what a hand-written job starts from."""
    folder.mkdir(parents=True)
    tables: dict[str, tuple[str, list[tuple[object, ...]]]] = {
        "prefixes": (
            "digits varchar, zone int, first_seconds int, further_seconds int",
            [(one.digits, one.zone, *INCREMENTS[one.increment]) for one in tariff.prefixes],
        ),
        "networks": (
            "mcc_mnc int, zone int, first_seconds int, further_seconds int, is_like_home boolean",
            [
                (one.mcc_mnc, one.zone, *INCREMENTS[one.increment], one.is_like_home)
                for one in tariff.networks
            ],
        ),
        "plans": (
            "plan int, fee_amount decimal(18,2), voice bigint, sms bigint, data bigint",
            [(one.plan, Decimal(one.fee_cents).scaleb(-2), *one.included) for one in tariff.plans],
        ),
        "rates": (
            "plan int, service varchar, is_roaming boolean, zone int, band int, version int,"
            " connect_amount decimal(18,6), unit_amount decimal(18,6)",
            [
                (
                    one.plan,
                    SERVICE_NAMES[one.service],
                    one.is_roaming,
                    one.zone,
                    one.band,
                    one.version,
                    Decimal(one.connect_millionths).scaleb(-6),
                    Decimal(one.unit_millionths).scaleb(-6),
                )
                for one in tariff.rates
            ],
        ),
        "overages": (
            "plan int, version int, first_amount decimal(18,6), second_amount decimal(18,6),"
            " third_amount decimal(18,6)",
            [
                (
                    one.plan,
                    one.version,
                    *(Decimal(price).scaleb(-6) for price in one.block_millionths),
                )
                for one in tariff.overages
            ],
        ),
        "regions": (
            "region int, first_rate decimal(9,6), second_rate decimal(9,6)",
            [
                (number, *(Decimal(points).scaleb(-4) for points in taxes))
                for number, taxes in enumerate(REGION_TAXES)
            ],
        ),
    }
    for name, (columns, rows) in tables.items():
        connection.execute(f"create or replace temp table {name} ({columns})")
        marks = ", ".join("?" * len(rows[0]))
        connection.executemany(f"insert into {name} values ({marks})", rows)
    for name in ("usage", "subscribers", *tables):
        target = quote(str(folder / f"{name}.parquet"))
        connection.execute(f"copy {name} to {target} (format parquet, compression zstd)")
