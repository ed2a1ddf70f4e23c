"""Which days are bill dates, read from the policy seed: a schedule must not need a warehouse."""

from __future__ import annotations

import calendar
import csv
from datetime import date, timedelta

from orchestration.settings import Settings


def bill_dates_to_run(settings: Settings, today: date) -> list[date]:
    """Return the bill dates whose run starts today: the cycles' anchors, after the days of grace.

    An anchor past the end of the month means its last day. Cycles of several months are counted
    from January 2010 or the anchor month, cycles of weeks from Monday, 4 January 2010, as in
    `int_bill_cycles__current`. Where final bills are made at once, every
    day is a bill date: of the accounts that were closed since the one before.
    """
    policies = _read_valid(settings, "billing_policy", today)
    grace = {row["legal_entity_id"]: int(row["grace_days"]) for row in policies}
    dates = {
        today - timedelta(days=int(row["grace_days"]))
        for row in policies
        if row["final_bill"] == "at_once"
    }
    for cycle in _read_valid(settings, "bill_cycles", today):
        bill_date = today - timedelta(days=grace.get(cycle["legal_entity_id"], 0))
        if _has_anchor(cycle, bill_date):
            dates.add(bill_date)
    return sorted(dates)


def _read_valid(settings: Settings, seed: str, day: date) -> list[dict[str, str]]:
    path = settings.seeds / "policy" / f"{seed}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return [
            row
            for row in csv.DictReader(file)
            if row["valid_from"] <= day.isoformat() < (row["valid_to"] or "9999-12-31")
        ]


def _has_anchor(cycle: dict[str, str], day: date) -> bool:
    anchor_day = int(cycle["anchor_day"])
    if cycle["interval_weeks"]:
        days = (day - date(2010, 1, 4)).days - (anchor_day - 1)
        return days % (7 * int(cycle["interval_weeks"])) == 0
    last_day = calendar.monthrange(day.year, day.month)[1]
    months = (day.year - 2010) * 12 + day.month - int(cycle["anchor_month"] or 1)
    return day.day == min(anchor_day, last_day) and months % int(cycle["interval_months"]) == 0
