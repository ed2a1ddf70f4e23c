"""Files of the inbox: written beside their place, then renamed into it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb

ENTITIES = (
    "customers",
    "billing_accounts",
    "subscriptions",
    "subscription_plans",
    "subscription_identifiers",
    "one_off_charges",
)
OPENING = ("opening_charged_through", "opening_bills")
USAGE_COLUMNS = (
    "record_id",
    "service",
    "direction",
    "identifier",
    "other_number",
    "started_at",
    "duration_seconds",
    "volume_bytes",
    "serving_network",
)


def write_text(target: Path, text: str) -> None:
    """Write one small text file, whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.part")
    temporary.write_text(text, encoding="utf-8", newline="")
    temporary.replace(target)


def copy_query(connection: duckdb.DuckDBPyConnection, query: str, target: Path) -> None:
    """Write the rows of a query as CSV with a header, whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.part")
    connection.execute(
        f"copy ({query}) to $target (format csv, header true)",
        {"target": str(temporary)},
    )
    temporary.replace(target)


def write_entities(
    connection: duckdb.DuckDBPyConnection, inbox: Path, month: date, is_follow_up: bool
) -> list[Path]:
    """Write who is billed and, in a first sample, the opening state; nothing for no rows."""
    written = []
    for entity in ENTITIES if is_follow_up else ENTITIES + OPENING:
        count = connection.execute(f"select count(*) from export_{entity}").fetchone()
        if count is None or count[0] == 0:
            continue
        sequence = 2 if is_follow_up else 1
        target = inbox / entity / f"{entity}_{month:%Y%m%d}_{sequence:06d}.csv"
        copy_query(connection, f"select * from export_{entity}", target)
        written.append(target)
    return written


def write_usage(
    connection: duckdb.DuckDBPyConnection, inbox: Path, sequences_before: int
) -> list[Path]:
    """Write one file per node and day, numbered on from the files of the month before.

    A node without usage on a day sends its header: no usage is something else than no file.
    """
    files = connection.execute(
        """
        select nodes.node, cast(days.day as date)
        from (values ('msc01'), ('pgw01')) as nodes (node)
        cross join (
            select unnest(generate_series(
                getvariable('month'), last_day(getvariable('month')), interval 1 day
            )) as day
        ) as days
        union
        select node, delivery_date from deliveries
        order by all
        """
    ).fetchall()
    written = []
    for node, day in files:
        sequence = sequences_before + day.day
        target = inbox / "usage" / f"usage_{node}_{day:%Y%m%d}_{sequence:06d}.csv"
        connection.execute("set variable node = $node", {"node": node})
        connection.execute("set variable delivery_date = $day", {"day": day})
        copy_query(connection, "select * from export_usage", target)
        written.append(target)
    return written


def broken_usage(identifier: str, month: date) -> tuple[str, ...]:
    """Return lines that no decoder may accept, one rule broken in each."""
    start = f"{month:%Y-%m}-15T12:00:00+02:00"
    sound = {
        "service": "voice",
        "direction": "outgoing",
        "identifier": identifier,
        "other_number": "493023456789",
        "started_at": start,
        "duration_seconds": "60",
        "volume_bytes": "0",
        "serving_network": "26299",
    }
    faults = (
        {"started_at": f"{month:%Y-%m}-32T12:00:00+02:00"},
        {"started_at": f"{month:%Y-%m}-15T12:00:00"},
        {"duration_seconds": "-6"},
        {"duration_seconds": '"1,5"'},
        {"service": "fax"},
        {"direction": "sideways"},
        {"identifier": "49151O1234567"},
        {"identifier": ""},
        {"volume_bytes": "-1"},
        {"serving_network": "home"},
    )
    lines = [
        ",".join([f"bad-{number:04d}", *(sound | fault).values()])
        for number, fault in enumerate(faults, start=1)
    ]
    missing_column = f"bad-{len(faults) + 1:04d},voice,outgoing,{identifier},{start},60,0,26299"
    return (*lines, missing_column)


def write_broken_usage(inbox: Path, identifier: str, month: date) -> tuple[Path, int]:
    """Write the file of broken records; return it and how many it holds."""
    lines = broken_usage(identifier, month)
    target = inbox / "usage" / f"usage_bad01_{month:%Y%m}15_000001.csv"
    write_text(target, "\n".join([",".join(USAGE_COLUMNS), *lines]) + "\n")
    return target, len(lines)
