"""The payment code under the limits of EPC069-12."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from renderers import epc_qr
from renderers.epc_qr import EpcError

GOOD: dict[str, Any] = {
    "name": "Nordwind Mobil GmbH",
    "iban": "DE02 1203 0000 0000 2020 51",
    "bic": "BYLADEM1001",
    "amount": Decimal("119.00"),
    "remittance": "NW-2026-000123",
}


def test_the_text_has_the_rows_of_the_standard() -> None:
    assert epc_qr.payload(**GOOD).split("\n") == [
        "BCD",
        "002",
        "1",
        "SCT",
        "BYLADEM1001",
        "Nordwind Mobil GmbH",
        "DE02120300000000202051",
        "EUR119.00",
        "",
        "",
        "NW-2026-000123",
    ]


def test_trailing_empty_rows_are_left_out() -> None:
    assert epc_qr.payload(**{**GOOD, "remittance": "", "bic": ""}).endswith("\nEUR119.00")


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("name", "", "name is empty"),
        ("name", "x" * 71, "name has 71 characters"),
        ("name", "a\nb", "line break"),
        ("remittance", "x" * 141, "remittance has 141 characters"),
        ("remittance", "ä" * 140 + "", "payload is"),
        ("remittance", "a\x00", "control character"),
        ("iban", "DE03120300000000202051", "wrong checksum"),
        ("iban", "DE0212030000000020205", "wrong checksum"),
        ("iban", "12345", "wrong form"),
        ("iban", "", "wrong form"),
        ("bic", "BYLADEM", "wrong form"),
        ("amount", Decimal("0"), "outside"),
        ("amount", Decimal("-1"), "outside"),
        ("amount", Decimal("1000000000"), "outside"),
        ("amount", Decimal("0.005"), "outside"),
        ("amount", Decimal("1.005"), "two decimals"),
    ],
)
def test_what_breaks_the_standard_is_refused(field: str, value: object, message: str) -> None:
    base = {**GOOD, "name": "ä" * 70} if message == "payload is" else GOOD
    with pytest.raises(EpcError, match=message):
        epc_qr.payload(**{**base, field: value})


@pytest.mark.parametrize("amount", [Decimal("0.01"), Decimal("999999999.99"), Decimal("5")])
def test_the_edges_of_the_amount_are_allowed(amount: Decimal) -> None:
    assert f"EUR{amount:.2f}" in epc_qr.payload(**{**GOOD, "amount": amount})


def test_the_longest_text_of_the_standard_fits_version_13() -> None:
    longest = {**GOOD, "name": "ä" * 70, "remittance": "x" * 129}
    text = epc_qr.payload(**longest)
    assert len(text.encode()) == epc_qr.MAX_BYTES
    assert epc_qr.symbol(text).version == epc_qr.MAX_VERSION
    assert epc_qr.symbol(text).error == "M"


@pytest.mark.parametrize(
    "iban", ["GB82 WEST 1234 5698 7654 32", "NL91ABNA0417164300", "mt84malt011000012345mtlcast001s"]
)
def test_published_example_ibans_are_accepted(iban: str) -> None:
    assert epc_qr.normalised_iban(iban) == iban.replace(" ", "").upper()
