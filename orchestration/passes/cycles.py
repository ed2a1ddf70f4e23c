"""Which days are bill dates, read from the policy seed: a schedule must not need a warehouse."""

from __future__ import annotations

import calendar
import csv
from datetime import date

from orchestration.settings import Settings


def is_bill_date(settings: Settings, day: date) -> bool:
    """Return whether some valid cycle has its anchor on `day`.

    An anchor past the end of the month means its last day. Cycles of several months are counted
    from January 2010, as in `int_bill_periods__aligned`.
    """
    path = settings.seeds / "policy" / "bill_cycles.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return any(_has_anchor(row, day) for row in csv.DictReader(file))


def _has_anchor(cycle: dict[str, str], day: date) -> bool:
    if not cycle["valid_from"] <= day.isoformat() < (cycle["valid_to"] or "9999-12-31"):
        return False
    last_day = calendar.monthrange(day.year, day.month)[1]
    months = (day.year - 2010) * 12 + day.month - 1
    return (
        day.day == min(int(cycle["anchor_day"]), last_day)
        and months % int(cycle["interval_months"]) == 0
    )
