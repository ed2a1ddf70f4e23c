"""The benchmark's job by hand in Polars, in memory; takes part where Polars is installed.

Money is whole millionths or cents, and half of a cent goes up by whole-number division: Polars
rounds decimals half to even.
"""

from __future__ import annotations

import os
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

os.environ.setdefault("POLARS_MAX_THREADS", "2")

import polars as pl
from polars import col

from orchestration.bench.rivals.measured import run_job
from orchestration.bench.totals import Totals

HOME_NETWORK, BLOCK_BYTES = 26201, 10_240
PRICE_CHANGE = datetime(2026, 10, 16)  # noqa: DTZ001 - the benchmark's clock is UTC
MONTH_START, MONTH_END = date(2026, 10, 1), date(2026, 11, 1)
TIERS = ((0, 100_000, "first"), (100_000, 500_000, "second"), (500_000, 10**9, "third"))
VOICE, SMS, DATA = (col("service") == name for name in ("voice", "sms", "data"))
ROAMING = col("is_roaming")
USED = ("event_id", "msisdn", "started_at", "service", "is_roaming", "plan", "zone", "band")


def rate(tables: Path, results: Path) -> Totals:
    """Rate the tables; write rated events and invoices as Parquet."""
    rated = _price(_count(_place(tables)), tables)
    rated.sink_parquet(results / "rated.parquet", compression="zstd")
    written = pl.scan_parquet(results / "rated.parquet")
    lines = (
        written.filter(~col("is_suspended"))
        .group_by("msisdn", "line")
        .agg(col("millionths").sum())
        .with_columns(cents=_cents(col("millionths")))
        .collect()
    )
    invoices = _bill(tables, lines)
    invoices.write_parquet(results / "invoices.parquet", compression="zstd")
    events, suspended, free_units, millionths = (
        written.select(
            pl.len(),
            col("is_suspended").sum().alias("suspended"),
            col("free_units").sum(),
            col("millionths").sum(),
        )
        .collect()
        .row(0)
    )
    sums = {name: int(invoices[name].sum()) for name in ("net", "first_tax", "second_tax", "total")}
    amounts = {f"{name}_amount": Decimal(cents).scaleb(-2) for name, cents in sums.items()}
    return Totals(
        events=events,
        suspended=suspended,
        free_units=free_units,
        rated_amount=Decimal(millionths).scaleb(-6),
        invoices=invoices.height,
        checksum=int((invoices["total"] * (invoices["msisdn"] % 1009)).sum()) % 1_000_000_007,
        **amounts,
    )


def _cents(millionths: pl.Expr) -> pl.Expr:
    return (millionths + 5_000) // 10_000


def _share(cents: pl.Expr, points: pl.Expr) -> pl.Expr:
    """So many basis points of whole cents, half up; nothing here is below zero."""
    return (cents * points + 5_000) // 10_000


def _whole(name: str, decimals: int) -> pl.Expr:
    return (col(name) * 10**decimals).cast(pl.Int64)


def _place(tables: Path) -> pl.LazyFrame:
    """Each event once, with what its subscriber, its place and its hour make of it."""
    usage = pl.scan_parquet(tables / "usage.parquet")
    subscribers = pl.read_parquet(tables / "subscribers.parquet").select("msisdn", "plan")
    plans = pl.read_parquet(tables / "plans.parquet").drop("fee_amount")
    networks = pl.read_parquet(tables / "networks.parquet").rename(
        {"zone": "visited", "first_seconds": "first", "further_seconds": "further"}
    )
    prefixes = pl.read_parquet(tables / "prefixes.parquet").rename({"zone": "called"})
    numbers = usage.select(beginning=col("dialled").str.slice(0, 7)).drop_nulls().unique().collect()
    lengths = [
        numbers.with_columns(digits=col("beginning").str.slice(0, length), length=pl.lit(length))
        for length in range(1, 8)
    ]
    beginnings = (
        pl.concat(lengths)
        .join(prefixes, on="digits")
        .sort("length")
        .unique("beginning", keep="last")
        .drop("digits", "length")
    )
    return (
        usage.drop("place")
        .unique("event_id", keep="any")
        .with_columns(
            is_roaming=col("mcc_mnc") != HOME_NETWORK, beginning=col("dialled").str.slice(0, 7)
        )
        .join(subscribers.join(plans, on="plan").lazy(), on="msisdn", how="left")
        .join(networks.lazy(), on="mcc_mnc", how="left")
        .join(beginnings.lazy(), on="beginning", how="left")
        .with_columns(
            included=pl.when(VOICE).then("voice").when(SMS).then("sms").otherwise("data"),
            zone=pl.when(ROAMING).then("visited").when(DATA).then(0).otherwise("called"),
            first=pl.when(ROAMING).then("first").otherwise("first_seconds"),
            further=pl.when(ROAMING).then("further").otherwise("further_seconds"),
        )
        .with_columns(
            units=pl.when(SMS)
            .then(1)
            .when(DATA)
            .then((col("volume_bytes") + BLOCK_BYTES - 1) // BLOCK_BYTES)
            .when(col("duration_seconds") == 0)
            .then(0)
            .otherwise(
                col("first")
                + (
                    pl.max_horizontal(col("duration_seconds") - col("first"), 0)
                    + col("further")
                    - 1
                )
                // col("further")
                * col("further")
            )
            .cast(pl.Int64),
            is_suspended=col("plan").is_null() | col("zone").is_null(),
            is_covered=pl.when(ROAMING)
            .then("is_like_home")
            .otherwise(DATA | (col("zone") < 2))
            .fill_null(False),
            band=pl.when(col("started_at").dt.weekday() >= 6)
            .then(2)
            .when(col("started_at").dt.hour().is_between(8, 19))
            .then(0)
            .otherwise(1),
            version=(col("started_at") >= PRICE_CHANGE).cast(pl.Int32),
        )
        .select(*USED, "version", "included", "units", "is_covered", "is_suspended")
    )


def _count(placed: pl.LazyFrame) -> pl.LazyFrame:
    """What is free of each event: the plan's units go in the order of time."""
    is_drawing = col("is_covered") & ~col("is_suspended")
    drawing = (
        placed.filter(is_drawing)
        .sort("msisdn", "service", "started_at", "event_id")
        .with_columns(before=col("units").cum_sum().over("msisdn", "service") - col("units"))
        .with_columns(
            free_units=pl.max_horizontal(
                pl.min_horizontal(col("units"), col("included") - col("before")), 0
            )
        )
    )
    others = placed.filter(~is_drawing).with_columns(
        before=pl.lit(0, pl.Int64), free_units=pl.lit(0, pl.Int64)
    )
    return pl.concat([drawing, others])


def _price(counted: pl.LazyFrame, tables: Path) -> pl.LazyFrame:
    rates = pl.read_parquet(tables / "rates.parquet").with_columns(
        connect=_whole("connect_amount", 6), unit=_whole("unit_amount", 6)
    )
    overages = pl.read_parquet(tables / "overages.parquet").with_columns(
        **{name: _whole(f"{name}_amount", 6) for _, _, name in TIERS}
    )
    start = col("before") - col("included")
    tiered = sum(
        (
            pl.max_horizontal(
                pl.min_horizontal(start + col("units"), up_to) - pl.max_horizontal(start, above), 0
            )
            * col(name)
            for above, up_to, name in TIERS
        ),
        pl.lit(0),
    )
    connect = pl.when(col("free_units") == 0).then("connect").otherwise(0)
    return (
        counted.join(
            rates.lazy().drop("connect_amount", "unit_amount"),
            on=["plan", "service", "is_roaming", "zone", "band", "version"],
            how="left",
        )
        .join(
            overages.lazy().select("plan", "version", "first", "second", "third"),
            on=["plan", "version"],
            how="left",
        )
        .with_columns(
            millionths=pl.when(col("is_suspended") | (col("units") == 0))
            .then(0)
            .when(col("is_covered") & DATA)
            .then(tiered)
            .otherwise((col("units") - col("free_units")) * col("unit") + connect),
            line=pl.when(ROAMING)
            .then(pl.lit("roaming ") + col("service"))
            .when(VOICE & (col("zone") < 2))
            .then(pl.lit("national"))
            .when(VOICE)
            .then(pl.lit("international"))
            .otherwise("service"),
        )
        .select(*USED, "units", "free_units", "is_suspended", "millionths", "line")
    )


def _bill(tables: Path, lines: pl.DataFrame) -> pl.DataFrame:
    plans = pl.read_parquet(tables / "plans.parquet").select("plan", fee=_whole("fee_amount", 2))
    regions = pl.read_parquet(tables / "regions.parquet").select(
        "region", first=_whole("first_rate", 4), second=_whole("second_rate", 4)
    )
    days = (
        pl.min_horizontal(col("active_to"), MONTH_END)
        - pl.max_horizontal(col("active_from"), MONTH_START)
    ).dt.total_days()
    usage = col("usage")
    percent = pl.when(usage >= 5_000).then(1_000).when(usage >= 2_000).then(500).otherwise(0)
    return (
        pl.read_parquet(tables / "subscribers.parquet")
        .join(plans, on="plan")
        .join(regions, on="region")
        .join(lines.group_by("msisdn").agg(usage=col("cents").sum()), on="msisdn", how="left")
        .with_columns(usage.fill_null(0))
        .with_columns(fee=(col("fee") * 2 * pl.max_horizontal(days, 0) + 31) // 62)
        .with_columns(
            net=col("fee")
            - _share(col("fee"), col("promotion_basis_points"))
            + usage
            - _share(usage, percent)
        )
        .with_columns(first_tax=_share(col("net"), col("first")))
        .with_columns(second_tax=_share(col("net") + col("first_tax"), col("second")))
        .with_columns(total=col("net") + col("first_tax") + col("second_tax"))
        .select("msisdn", "net", "first_tax", "second_tax", "total")
    )


if __name__ == "__main__":
    run_job(rate)
