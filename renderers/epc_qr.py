"""The payment QR code of the European Payments Council (EPC069-12, version 002).

`payload` writes the text under the standard's limits and refuses what breaks them; `symbol` makes
the QR code of it. Nothing is cut to fit: a shortened name or reference is a wrong payment.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal

import segno

MAX_NAME = 70
MAX_REMITTANCE = 140
MAX_BYTES = 331
MAX_VERSION = 13
MIN_AMOUNT = Decimal("0.01")
MAX_AMOUNT = Decimal("999999999.99")
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
_BIC = re.compile(r"[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?")


class EpcError(ValueError):
    """The payment cannot be written as an EPC069-12 QR code."""


def normalised_iban(iban: str) -> str:
    """Return the IBAN without spaces. Raises `EpcError` when form or checksum is wrong."""
    compact = re.sub(r"\s", "", iban).upper()
    if not _IBAN.fullmatch(compact):
        raise EpcError(f"IBAN {iban!r} has a wrong form")
    digits = "".join(str(int(character, 36)) for character in compact[4:] + compact[:4])
    if int(digits) % 97 != 1:
        raise EpcError(f"IBAN {iban!r} has a wrong checksum")
    return compact


def payload(*, name: str, iban: str, amount: Decimal, remittance: str, bic: str = "") -> str:
    """Return the text of the QR code for a transfer of `amount` EUR.

    Raises `EpcError` for a text too long, a line break or control character, a bad IBAN or BIC, an
    amount outside 0.01 to 999999999.99 or with more than two decimals.
    """
    _check_text("name", name, MAX_NAME, required=True)
    _check_text("remittance", remittance, MAX_REMITTANCE, required=False)
    if bic and not _BIC.fullmatch(bic):
        raise EpcError(f"BIC {bic!r} has a wrong form")
    if not MIN_AMOUNT <= amount <= MAX_AMOUNT:
        raise EpcError(f"amount {amount} is outside {MIN_AMOUNT} to {MAX_AMOUNT} EUR")
    if amount != amount.quantize(MIN_AMOUNT):
        raise EpcError(f"amount {amount} has more than two decimals")
    rows = ["BCD", "002", "1", "SCT", bic, name, normalised_iban(iban), f"EUR{amount:.2f}"]
    text = "\n".join([*rows, "", "", remittance]).rstrip("\n")
    size = len(text.encode("utf-8"))
    if size > MAX_BYTES:
        raise EpcError(f"payload is {size} bytes, the standard allows {MAX_BYTES}")
    return text


def symbol(text: str) -> segno.QRCode:
    """Return the QR code of a payload: UTF-8, error correction M, at most version 13."""
    code = segno.make_qr(text, error="m", mode="byte", encoding="utf-8", boost_error=False)
    if int(code.version) > MAX_VERSION:
        raise EpcError(f"QR code needs version {code.version}, the standard allows {MAX_VERSION}")
    return code


def _check_text(what: str, text: str, limit: int, *, required: bool) -> None:
    if required and not text.strip():
        raise EpcError(f"{what} is empty")
    if len(text) > limit:
        raise EpcError(f"{what} has {len(text)} characters, the standard allows {limit}")
    if any(unicodedata.category(character) in {"Cc", "Zl", "Zp"} for character in text):
        raise EpcError(f"{what} holds a line break or a control character")
