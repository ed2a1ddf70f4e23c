"""From options to an inbox: load the base, let SQL make everything, write the files."""

from __future__ import annotations

import calendar
import csv
import io
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, astuple, fields, replace
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import duckdb

from orchestration.sample.base import describe_base, load_base
from orchestration.sample.faults import FAULTS, LATER, FaultPlan, Injected
from orchestration.sample.feeds import FEEDS, choose_feeds, read_partners, write_feeds
from orchestration.sample.files import (
    copy_query,
    write_broken_usage,
    write_entities,
    write_text,
    write_usage,
)
from orchestration.sample.formats.registry import WRITERS
from orchestration.sample.options import HOUSE, SampleError, SampleOptions, SampleSummary
from orchestration.settings import Settings

ZONE = "Europe/Berlin"
# The usage that a month is made of, each record once: what must come out whatever was done to it.
USAGE_TOTALS = """
    select feed as source_id, service, direction, count(*) as record_count,
        sum(duration_seconds)::bigint as duration_seconds,
        sum(volume_uplink_bytes + volume_downlink_bytes)::bigint as volume_bytes
    from routed
    where kind not in ('duplicate', 'sent_again', 'changed')
    group by all
    order by all
"""
MACROS = """
create macro draw(salt, first, second) as
    cast(hash(getvariable('seed'), salt, first, second) >> 1 as bigint);
create macro pick(bound, salt, first, second) as draw(salt, first, second) % bound;
create macro local_epoch(local_time) as
    cast(epoch(timezone(getvariable('zone'), local_time)) as bigint);
create macro offset_text(seconds) as
    if(seconds < 0, '-', '+')
    || lpad(cast(cast(abs(seconds) as bigint) // 3600 as varchar), 2, '0') || ':'
    || lpad(cast(cast(abs(seconds) as bigint) % 3600 // 60 as varchar), 2, '0');
create macro local_midnight_text(day) as
    strftime(day, '%Y-%m-%dT00:00:00')
    || offset_text(
        epoch(cast(day as timestamp)) - local_epoch(cast(day as timestamp))
    );
"""


def make_sample(
    settings: Settings,
    options: SampleOptions,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> SampleSummary:
    """Fill the inbox for one usage month, with the truth tables under `sample/` beside it.

    The same options on the same home do nothing twice; other options for a month that the inbox
    already holds are refused, because files of the outside world never change. `progress` gets the
    records written and to be written in other formats than the house's.
    """
    unknown = [name for name in options.formats if name != HOUSE and name not in WRITERS]
    if unknown:
        known = ", ".join((HOUSE, *WRITERS))
        raise SampleError(f"{unknown[0]} is no format: {known}")
    wanted = describe_options(options)
    made = read_summary(settings, options, wanted)
    if made is not None:
        return made
    if options.follow_up:
        check_first_month(settings, options)
    with duckdb.connect(":memory:") as connection:
        prepare(connection, options)
        load_base(connection, options.base, options.subscribers, settings.home / "sample")
        run_scripts(connection)
        check_calls(connection)
        if has_feeds(options):
            route(connection, settings, options)
        summary = write_files(connection, settings, options, progress)
    record = {"options": wanted, "summary": asdict(replace(summary, is_new=False))}
    write_text(marker_path(settings, options), json.dumps(record, indent=1, default=str) + "\n")
    return summary


def prepare(connection: duckdb.DuckDBPyConnection, options: SampleOptions) -> None:
    """Set what the scripts read: the seed, the months, the zone, the macros."""
    connection.execute("set TimeZone = 'UTC'")
    connection.execute("set variable seed = $seed", {"seed": options.seed})
    connection.execute("set variable zone = $zone", {"zone": ZONE})
    connection.execute("set variable month = $month", {"month": options.month})
    connection.execute("set variable first_month = $month", {"month": options.first_month})
    connection.execute("set variable is_follow_up = $value", {"value": options.follow_up})
    connection.execute(MACROS)


def run_scripts(connection: duckdb.DuckDBPyConnection) -> None:
    """Run the numbered SQL scripts of this package in order."""
    folder = files("orchestration.sample") / "sql"
    for script in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if script.name.endswith(".sql"):
            run_script(connection, script.name)


def run_script(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Run one SQL script of this package."""
    script = files("orchestration.sample") / "sql" / name
    connection.execute(script.read_text(encoding="utf-8"))


def has_feeds(options: SampleOptions) -> bool:
    """Return whether usage comes by feeds: some of it in another format, or with faults."""
    return options.faults or any(name != HOUSE for name in options.formats)


def route(
    connection: duckdb.DuckDBPyConnection, settings: Settings, options: SampleOptions
) -> None:
    """Make the truth that every format is written from, and find a feed for each record of it."""
    connection.execute("create table partners (serving_network varchar, partner varchar)")
    partners = list(read_partners(settings.seeds).items())
    if partners:
        connection.executemany("insert into partners values (?, ?)", partners)
    run_script(connection, "feeds/1_truth.sql")
    choose_feeds(connection, options.formats)
    run_script(connection, "feeds/2_routes.sql")
    if options.faults:
        resending = [feed.source_id for feed in FEEDS if feed.keeps_ids]
        connection.execute("set variable resending = $feeds", {"feeds": resending})
        run_script(connection, "feeds/3_sent_again.sql")


def check_calls(connection: duckdb.DuckDBPyConnection) -> None:
    """Refuse a base whose calls do not fit between two band boundaries."""
    misfit = connection.execute(
        "select n, band from voice_calls where start_epoch < window_start_epoch "
        "or start_epoch + duration_seconds > end_epoch order by n limit 1"
    ).fetchone()
    if misfit is not None:
        raise SampleError(f"base row {misfit[0]}: its {misfit[1]} calls are too long for the month")


def write_files(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    options: SampleOptions,
    progress: Callable[[int, int], None],
) -> SampleSummary:
    """Write the inbox and, in a first sample, the truth tables; count what was written."""
    month = options.month
    written = write_entities(connection, settings.inbox, month, options.follow_up)
    first = options.first_month
    before = calendar.monthrange(first.year, first.month)[1] if options.follow_up else 0
    written += write_usage(connection, settings.inbox, before)
    plan = FaultPlan(settings.home / "sample" / LATER, list(FAULTS) if options.faults else [])
    damage_house(plan, written)
    if has_feeds(options):
        written += write_in_formats(connection, settings, options, before, plan, progress)
    if options.faults:
        injected = [*plan.injected, *sent_again(connection)]
        header = [one.name for one in fields(Injected)]
        write_text(settings.home / "sample" / "faults.csv", as_csv(header, map(astuple, injected)))
    broken = 0
    if not options.follow_up:
        someone = connection.execute("select min(identifier) from subscribers").fetchone()
        path, broken = write_broken_usage(settings.inbox, someone[0] if someone else "", month)
        written.append(path)
        for truth in ("offences", "oracle"):
            target = settings.home / "sample" / f"{truth}.csv"
            copy_query(connection, f"select * from export_{truth}", target)
    # A fault may have taken a file away.
    names = tuple(path.relative_to(settings.inbox).as_posix() for path in written if path.is_file())
    return summarise(connection, options, names, broken)


def write_in_formats(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    options: SampleOptions,
    sequences_before: int,
    plan: FaultPlan,
    progress: Callable[[int, int], None],
) -> list[Path]:
    """Write what comes in other formats than the house's, and what of it must come out."""
    month = options.month
    last = calendar.monthrange(month.year, month.month)[1]
    days = [month.replace(day=number) for number in range(1, last + 1)]
    inbox, seeds = settings.inbox, settings.seeds
    written = write_feeds(
        connection, inbox, seeds, options.formats, days, sequences_before, plan, progress
    )
    counts = [(path.parent.name, path.name, count) for path, count in written.items()]
    truth = settings.home / "sample"
    write_text(
        truth / "usage_files.csv", as_csv(("source_id", "file_name", "record_count"), counts)
    )
    copy_query(connection, USAGE_TOTALS, truth / "usage_totals.csv")
    return list(written)


def damage_house(plan: FaultPlan, written: list[Path]) -> None:
    """Put the faults of the house's own files of calls in."""
    for before, path in pairwise(written):
        if plan.waiting and path.name.startswith("usage_msc01_"):
            with path.open("rb") as stream:
                count = sum(1 for _ in stream) - 1
            fault = plan.take("usage", int(path.name.split("_")[2][6:8]), count)
            if fault:
                plan.damage(fault, path, before)


def sent_again(connection: duckdb.DuckDBPyConnection) -> list[Injected]:
    """Return which feeds sent records again on which day, and which as something else."""
    found = connection.execute(
        "select fault, feed, strftime(delivery_date, '%Y%m%d'), count(*) from resent"
        " group by all order by all"
    ).fetchall()
    named = {"sent_again": "duplicate", "changed": "conflicting"}
    return [Injected(kind, feed, f"*_{day}_*", named[kind], n) for kind, feed, day, n in found]


def as_csv(header: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Return rows as CSV."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return stream.getvalue()


def summarise(
    connection: duckdb.DuckDBPyConnection,
    options: SampleOptions,
    names: tuple[str, ...],
    broken: int,
) -> SampleSummary:
    """Count accounts, subscriptions and usage by kind."""
    rows = connection.execute("select kind, count(*) from deliveries group by kind").fetchall()
    kinds: dict[str, int] = dict(rows)
    people = connection.execute(
        "select count(distinct billing_account_id), count(*), "
        "(select count(*) from export_offences) from subscribers"
    ).fetchone()
    if people is None:
        raise SampleError("no subscribers were made")
    return SampleSummary(
        month=options.month,
        base=describe_base(options.base),
        billing_accounts=people[0],
        subscriptions=people[1],
        usage_records=sum(kinds.values()) + broken,
        voice_calls=kinds.get("voice", 0),
        sms_records=kinds.get("sms", 0),
        data_sessions=kinds.get("data", 0),
        roaming_records=kinds.get("roaming", 0),
        incoming_records=kinds.get("incoming", 0),
        late_records=kinds.get("late", 0),
        duplicate_records=kinds.get("duplicate", 0),
        unknown_number_records=kinds.get("unknown_number", 0),
        broken_records=broken,
        offences=0 if options.follow_up else people[2],
        files=names,
    )


def describe_options(options: SampleOptions) -> dict[str, str]:
    """Return what must be equal for two samples to be equal."""
    return {
        "month": options.month.isoformat(),
        "seed": str(options.seed),
        "base": describe_base(options.base),
        "subscribers": str(options.subscribers or "all"),
        "follow_up": str(options.follow_up),
        "formats": ",".join(sorted(set(options.formats) | {HOUSE})),
        "faults": str(options.faults),
    }


def marker_path(settings: Settings, options: SampleOptions) -> Path:
    """Return where a finished sample of this month is recorded."""
    return settings.home / "sample" / f"{options.month:%Y-%m}.json"


def read_summary(
    settings: Settings, options: SampleOptions, wanted: dict[str, str]
) -> SampleSummary | None:
    """Return the summary of an equal sample that is still whole, None when there is none."""
    marker = marker_path(settings, options)
    if not marker.is_file():
        return None
    record = json.loads(marker.read_text(encoding="utf-8"))
    # Samples that were made before there were formats are in the house's.
    record["options"] = {"formats": HOUSE, "faults": "False", **record["options"]}
    present = [(settings.inbox / name).is_file() for name in record["summary"]["files"]]
    if record["options"] != wanted:
        if not any(present):
            return None
        changed = next(key for key, value in wanted.items() if record["options"].get(key) != value)
        raise SampleError(
            f"the inbox already holds a sample of {options.month:%Y-%m} with another {changed}"
            f" ({record['options'].get(changed)}): use another TOLLHOUSE_HOME"
        )
    if not all(present):
        return None
    kept = record["summary"] | {"month": options.month, "files": tuple(record["summary"]["files"])}
    return SampleSummary(**kept)


def check_first_month(settings: Settings, options: SampleOptions) -> None:
    """Refuse a follow-up whose first sample is missing or was made otherwise."""
    first = replace(options, month=options.first_month, follow_up=False)
    if read_summary(settings, first, describe_options(first)) is None:
        raise SampleError(
            f"no sample of {first.month:%Y-%m} lies in the inbox: make it before its follow-up"
        )
