"""A billed event on the itemisation: its unit, and where it went in the customer's language."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from orchestration.render.documents import itemised_usage
from renderers.language import language as words_of
from renderers.view import SERVICES


def event(**values: Any) -> dict[str, Any]:
    return {
        "service": "voice",
        "started_local": datetime(2026, 10, 5, 12, 0),  # noqa: DTZ001 - local, as billed
        "other_number": "34911234567",
        "zone_type": "international",
        "zone_label_en": "Calls abroad",
        "zone_label_de": "Ausland",
        "country_name": "Spain",
        "country_name_de": "Spanien",
        "time_band_id": "day",
        "measured_units": 60,
        "rated_amount": Decimal("0.27"),
        **values,
    }


@pytest.mark.parametrize(
    ("language", "zone_type", "destination"),
    [
        ("en", "international", "Spain"),
        ("de", "international", "Spanien"),
        ("de", "national", "Ausland"),
    ],
)
def test_a_destination_is_named_in_the_customers_language(
    language: str, zone_type: str, destination: str
) -> None:
    assert itemised_usage(event(zone_type=zone_type), language).destination == destination


@pytest.mark.parametrize(
    ("service", "unit"),
    [
        ("voice", "seconds"),
        ("sms", "events"),
        ("mms", "events"),
        ("data", "bytes"),
        ("content", "events"),
    ],
)
def test_every_service_has_its_unit_and_its_name(service: str, unit: str) -> None:
    assert itemised_usage(event(service=service), "de").unit == unit
    assert service in SERVICES
    for language in ("de", "en"):
        assert words_of(language).word(service)
