"""Numbers, dates, periods and quantities as they are printed; and the bars of the charts."""

# ruff: noqa: RUF001 (the typographic minus and dash are what is tested)

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from datetime import date
from decimal import Decimal

import pytest

from renderers.charts import Bar, column_chart, row_chart
from renderers.language import LANGUAGES, language

ENGLISH, GERMAN = language("en"), language("de-DE")


def test_both_languages_have_the_same_words_and_placeholders() -> None:
    assert LANGUAGES == ("de", "en")
    assert ENGLISH.words.keys() == GERMAN.words.keys()
    for key, text in ENGLISH.words.items():
        assert text.count("{") == GERMAN.words[key].count("{"), key


def test_an_unknown_language_is_english() -> None:
    assert language("eo").code == "en"


@pytest.mark.parametrize(
    ("value", "places", "english", "german"),
    [
        ("0", 2, "0.00", "0,00"),
        ("1234567.891", 2, "1,234,567.89", "1.234.567,89"),
        ("-1234.5", 2, "−1,234.50", "−1.234,50"),
        ("0.005", 2, "0.01", "0,01"),
        ("-0.004", 2, "0.00", "0,00"),
        ("999.5", 0, "1,000", "1.000"),
        ("0.2970", 4, "0.2970", "0,2970"),
        ("1234", 0, "1,234", "1.234"),
    ],
)
def test_numbers(value: str, places: int, english: str, german: str) -> None:
    assert ENGLISH.number(Decimal(value), places) == english
    assert GERMAN.number(Decimal(value), places) == german


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, "seconds", "0:00:00"),
        (59, "seconds", "0:00:59"),
        (3600, "seconds", "1:00:00"),
        (90061, "seconds", "25:01:01"),
        (1023, "bytes", "1.0\N{NO-BREAK SPACE}kB"),
        (2**20 - 1, "bytes", "1,024.0\N{NO-BREAK SPACE}kB"),
        (2**20, "bytes", "1.00\N{NO-BREAK SPACE}MB"),
        (5 * 2**30, "bytes", "5.00\N{NO-BREAK SPACE}GB"),
        (1234, "events", "1,234"),
    ],
)
def test_quantities(value: int, unit: str, text: str) -> None:
    assert ENGLISH.quantity(value, unit) == text


def test_a_period_is_printed_by_its_last_day_and_a_whole_month_by_its_name() -> None:
    start, end = date(2026, 10, 1), date(2026, 11, 1)
    assert ENGLISH.period(start, end) == "01 Oct 2026 – 31 Oct 2026"
    assert GERMAN.period(start, end) == "01.10.2026 – 31.10.2026"
    assert ENGLISH.period(start, date(2026, 10, 2)) == "01 Oct 2026"
    assert GERMAN.period_title(date(2026, 3, 1), date(2026, 4, 1)) == "März 2026"
    assert ENGLISH.period_title(date(2026, 12, 1), date(2027, 1, 1)) == "December 2026"
    assert ENGLISH.period_title(start, date(2026, 10, 31)) == "01 Oct 2026 – 30 Oct 2026"


@pytest.mark.parametrize(
    ("rate", "text"), [("19", "19"), ("7.70", "7.7"), ("0", "0"), ("20", "20")]
)
def test_rates_have_no_needless_zeros(rate: str, text: str) -> None:
    assert ENGLISH.rate(Decimal(rate)) == f"{text}\N{NO-BREAK SPACE}%"


@pytest.mark.parametrize("chart", [column_chart, row_chart])
@pytest.mark.parametrize("values", [[], [0], [0, 0], [5, 3, 8], [-5, 3], [-5, -3]])
def test_charts_are_well_formed_and_stay_inside_their_frame(
    chart: object, values: list[int]
) -> None:
    assert callable(chart)
    bars = [Bar(f"<{value}>&", Decimal(value), str(value)) for value in values]
    root = ElementTree.fromstring(chart(bars, title="<t>&", description="d"))  # noqa: S314
    width, height = Decimal(root.attrib["width"]), Decimal(root.attrib["height"])
    for bar in root.iter("{http://www.w3.org/2000/svg}rect"):
        x, y, wide, high = (Decimal(bar.attrib[name]) for name in ("x", "y", "width", "height"))
        assert min(x, y, wide, high) >= 0
        assert x + wide <= width
        assert y + high <= height


def test_the_bars_are_as_long_as_their_amounts() -> None:
    bars = [Bar("a", Decimal(50), "50"), Bar("b", Decimal(100), "100")]
    root = ElementTree.fromstring(column_chart(bars, title="t", description="d"))  # noqa: S314
    heights = [
        Decimal(bar.attrib["height"]) for bar in root.iter("{http://www.w3.org/2000/svg}rect")
    ]
    assert heights[1] == 2 * heights[0]
