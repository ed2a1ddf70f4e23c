"""The public holidays of the German states, from their holiday laws.

Makes the seed `reference/holidays.csv`; nothing that bills imports this module.
Holidays of single municipalities are left out (the Peace Festival of Augsburg, Corpus Christi in
parts of Saxony and Thuringia, the Assumption in Catholic municipalities of Bavaria).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

HEADER = ("holiday_calendar_id", "holiday_date", "holiday_name")
FIRST_YEAR, LAST_YEAR = 2020, 2035
NATIONWIDE = "DE"
STATES = (
    *("BB", "BE", "BW", "BY", "HB", "HE", "HH", "MV"),
    *("NI", "NW", "RP", "SH", "SL", "SN", "ST", "TH"),
)
# Of the states that have it by law, from which year on (0: all that the seed covers).
REGIONAL = {
    "Epiphany": {"BW": 0, "BY": 0, "ST": 0},
    "Women's Day": {"BE": 0, "MV": 2023},
    "Easter Sunday": {"BB": 0},
    "Whit Sunday": {"BB": 0},
    "Corpus Christi": {"BW": 0, "BY": 0, "HE": 0, "NW": 0, "RP": 0, "SL": 0},
    "Assumption of Mary": {"SL": 0},
    "World Children's Day": {"TH": 0},
    "Reformation Day": dict.fromkeys(("BB", "HB", "HH", "MV", "NI", "SH", "SN", "ST", "TH"), 0),
    "All Saints' Day": {"BW": 0, "BY": 0, "NW": 0, "RP": 0, "SL": 0},
    "Day of Repentance and Prayer": {"SN": 0},
}
# Holidays that a state had once.
SINGLE = (
    ("BE", date(2020, 5, 8), "75 years of liberation"),
    ("BE", date(2025, 5, 8), "80 years of liberation"),
    ("BE", date(2028, 6, 17), "75 years of the uprising of 1953"),
)


def easter_sunday(year: int) -> date:
    """Return Easter Sunday in the Gregorian calendar (the anonymous computus)."""
    golden, century, rest = year % 19, year // 100, year % 100
    correction = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - century // 4 - correction + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (rest // 4) - epact - rest % 4) % 7
    late = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)


def _nationwide(year: int) -> Iterator[tuple[str, date]]:
    easter = easter_sunday(year)
    yield "New Year's Day", date(year, 1, 1)
    yield "Good Friday", easter - timedelta(2)
    yield "Easter Monday", easter + timedelta(1)
    yield "Labour Day", date(year, 5, 1)
    yield "Ascension Day", easter + timedelta(39)
    yield "Whit Monday", easter + timedelta(50)
    yield "German Unity Day", date(year, 10, 3)
    yield "Christmas Day", date(year, 12, 25)
    yield "Second Day of Christmas", date(year, 12, 26)


def _regional(year: int) -> dict[str, date]:
    easter = easter_sunday(year)
    # The Wednesday before 23 November.
    repentance = date(year, 11, 22) - timedelta((date(year, 11, 22).weekday() - 2) % 7)
    return {
        "Epiphany": date(year, 1, 6),
        "Women's Day": date(year, 3, 8),
        "Easter Sunday": easter,
        "Whit Sunday": easter + timedelta(49),
        "Corpus Christi": easter + timedelta(60),
        "Assumption of Mary": date(year, 8, 15),
        "World Children's Day": date(year, 9, 20),
        "Reformation Day": date(year, 10, 31),
        "All Saints' Day": date(year, 11, 1),
        "Day of Repentance and Prayer": repentance,
    }


def make_holidays() -> list[tuple[str, str, str]]:
    """Return one row per calendar and date: what all states have, and each state's own and all."""
    rows = [(f"{NATIONWIDE}-{state}", day, name) for state, day, name in SINGLE]
    for year in range(FIRST_YEAR, LAST_YEAR + 1):
        for name, day in _nationwide(year):
            rows.extend((f"{NATIONWIDE}-{state}", day, name) for state in STATES)
            rows.append((NATIONWIDE, day, name))
        for name, day in _regional(year).items():
            rows.extend(
                (f"{NATIONWIDE}-{state}", day, name)
                for state, since in REGIONAL[name].items()
                if year >= since
            )
    return sorted((calendar, day.isoformat(), name) for calendar, day, name in rows)
