"""Accounts at the edges of proration and promotions, beside the sample's: written as the CRM would.

Every account has a text message or two in every month, since a silent one is held for review.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

# account, subscription, activated, terminated, plans (plan, from, to), charged through by plan
Edge = tuple[str, str, str, str, Sequence[tuple[str, str, str]], dict[str, str]]
EDGES: tuple[Edge, ...] = (
    # A promotion that begins with a part month, and an option in arrears.
    (
        *("A91", "S911", "2026-10-15", ""),
        [("flat_m", "2026-10-15", ""), ("option_voicemail", "2026-10-15", "")],
        {},
    ),
    # One day of the month; its account gets a credit in the next run.
    ("A92", "S921", "2026-10-31", "", [("flat_l", "2026-10-31", "")], {}),
    # Came and went within the month.
    ("A93", "S931", "2026-10-05", "2026-10-20", [("flat_m", "2026-10-05", "2026-10-20")], {}),
    # Charged ahead at half price by the old system, ended in the month: half price is given back.
    (
        *("A95", "S941", "2026-08-20", "2026-10-10"),
        [("flat_m", "2026-08-20", "2026-10-10")],
        {"flat_m": "2026-11-01"},
    ),
    # An option of thirteen days.
    (
        *("A95", "S951", "2024-01-01", ""),
        [("flat_s", "2024-01-01", ""), ("option_data_5gb", "2026-10-12", "2026-10-25")],
        {"flat_s": "2026-11-01"},
    ),
    # Three months from the last of August end on the last of November: November is the last one.
    (
        *("A96", "S961", "2026-08-31", ""),
        [("flat_m", "2026-08-31", "")],
        {"flat_m": "2026-11-01"},
    ),
    # Ends in November, which the first run charged ahead; what is in arrears is charged to the day.
    (
        *("A92", "S971", "2025-05-01", ""),
        [("flat_l", "2025-05-01", ""), ("option_voicemail", "2025-05-01", "")],
        {"flat_l": "2026-11-01", "option_voicemail": "2026-10-01"},
    ),
    # Changes its plan in November.
    ("A98", "S981", "2026-01-15", "", [("flat_s", "2026-01-15", "")], {"flat_s": "2026-11-01"}),
)
MESSAGE_DAYS = {"S921": "31"}


def write_first_month(inbox: Path) -> None:
    """Write the accounts and their messages of October."""
    accounts = {edge[0]: edge for edge in reversed(EDGES)}
    _write(
        inbox / "customers" / "edges_1.csv",
        "customer_id,customer_type,customer_name,email,street,postal_code,city,country_code,"
        "vat_number,valid_from",
        (
            (
                *(f"C{one}", "person", f"Edge {one}", "edge@example.org"),
                *("Am Rand 1", "24103", "Kiel", "DE", "", edge[2]),
            )
            for one, edge in sorted(accounts.items())
        ),
    )
    _write(
        inbox / "billing_accounts" / "edges_1.csv",
        "billing_account_id,customer_id,legal_entity_id,bill_cycle_id,currency_code,time_zone,"
        "language,delivery_channel,sales_region,opened_date,closed_date,valid_from",
        (
            (
                *(one, f"C{one}", "nordwind", "monthly_1", "EUR", "Europe/Berlin"),
                *("de", "post", "Edge", edge[2], "", edge[2]),
            )
            for one, edge in sorted(accounts.items())
        ),
    )
    _write(
        inbox / "subscriptions" / "edges_1.csv",
        "subscription_id,billing_account_id,activated_date,terminated_date,valid_from",
        ((one, account, begun, ended, begun) for account, one, begun, ended, *_ in EDGES),
    )
    _write(
        inbox / "subscription_plans" / "edges_1.csv",
        "subscription_id,plan_id,valid_from,valid_to",
        ((edge[1], *plan) for edge in EDGES for plan in edge[4]),
    )
    _write(
        inbox / "subscription_identifiers" / "edges_1.csv",
        "subscription_id,identifier_type,identifier,valid_from,valid_to",
        (
            (one, "msisdn", _number(one), f"{begun}T00:00:00Z", ended and f"{ended}T00:00:00Z")
            for _, one, begun, ended, *_ in EDGES
        ),
    )
    _write(
        inbox / "opening_charged_through" / "edges_1.csv",
        "subscription_id,plan_id,charged_through",
        ((edge[1], plan, until) for edge in EDGES for plan, until in edge[5].items()),
    )
    _write_messages(inbox, "2026-10", {edge[1]: edge[2] for edge in EDGES}, MESSAGE_DAYS)


def write_second_month(inbox: Path) -> None:
    """Write what changes in November: one subscription ends, one changes its plan."""
    _write(
        inbox / "subscriptions" / "edges_2.csv",
        "subscription_id,billing_account_id,activated_date,terminated_date,valid_from",
        [("S971", "A92", "2025-05-01", "2026-11-15", "2026-11-15")],
    )
    _write(
        inbox / "subscription_plans" / "edges_2.csv",
        "subscription_id,plan_id,valid_from,valid_to",
        [("S981", "flat_s", "2026-01-15", "2026-11-11"), ("S981", "flat_m", "2026-11-11", "")],
    )
    alive = {edge[1]: edge[2] for edge in EDGES if not edge[3]}
    _write_messages(inbox, "2026-11", alive, {})


def write_roaming_option(inbox: Path, subscription_id: str) -> None:
    """Write that a subscription had the roaming option since October, after all."""
    _write(
        inbox / "subscription_plans" / "edges_3.csv",
        "subscription_id,plan_id,valid_from,valid_to",
        [(subscription_id, "option_roaming", "2026-10-01", "")],
    )


def _write_messages(inbox: Path, month: str, since: dict[str, str], days: dict[str, str]) -> None:
    _write(
        inbox / "usage" / f"usage_edges_{month}.csv",
        "record_id,service,direction,identifier,other_number,started_at,duration_seconds,"
        "volume_bytes,serving_network",
        (
            (
                *(f"edge-{month}-{one}", "sms", "outgoing", _number(one), "4915112345678"),
                *(max(f"{month}-{days.get(one, '06')}", begun) + "T12:00:00Z", "0", "0", "26299"),
            )
            for one, begun in since.items()
        ),
    )


def _number(subscription_id: str) -> str:
    return f"4915900000{subscription_id[1:]}"


def _write(path: Path, header: str, rows: Iterable[Sequence[str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(header + "\n")
        csv.writer(file, lineterminator="\n").writerows(rows)
