"""Values of network records as contents octets: the inverse of the readers' codecs.

Each takes the text that the reader's codec of the same name returns, and returns octets that it
reads so. Sources: TS 32.298 5.1 and 5.2 (what a field is), TS 29.002 17.7.8 (TBCD, AddressString),
TS 24.008 10.5.4.7 (numbers), TS 23.040 9.1.2.5 (numbers of messages), TS 23.003 (PLMN), TS 29.060
7.7.51 (time zone), TD.57 (BCD of TAP), X.690 8 (all others). Raises `ValueError` on other text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from ipaddress import ip_address as parse_address
from typing import Final

from orchestration.collect.readers.records import NATIONAL

Encoding = Callable[[str], bytes]

_FILLER: Final = "f"
_TBCD: Final = str.maketrans("*#abc", "abcde")
_BCD: Final = str.maketrans("*#ab", "acde")
# Type of number and numbering plan E.164, the top bit set: nothing of the kind follows.
_TYPES: Final[Mapping[str, int]] = {"+": 0x91, NATIONAL: 0xA1}
_TYPE_UNKNOWN: Final = 0x81
_REMEMBERED: Final = 1 << 14


def integer(text: str) -> bytes:
    """Return a whole number as two's complement in as few octets as it needs."""
    number = int(text)
    bits = (number if number >= 0 else ~number).bit_length()
    return number.to_bytes(bits // 8 + 1, "big", signed=True)


def boolean(text: str) -> bytes:
    """Return `true` or `false` as an octet."""
    return {"true": b"\xff", "false": b"\x00"}[text]


def mark(text: str) -> bytes:
    """Return nothing: a mark is set by being there."""
    if text != "true":
        raise ValueError("a mark that is not set is left out")
    return b""


def ia5(text: str) -> bytes:
    """Return text of 7-bit characters."""
    return text.encode("ascii")


def utf8(text: str) -> bytes:
    """Return text in UTF-8."""
    return text.encode()


def bits(text: str) -> bytes:
    """Return a bit string of whole octets in which the bits of these numbers are set."""
    numbers = [int(one) for one in text.split()]
    size = max(numbers, default=0) // 8 + 1
    string = bytearray(size)
    for number in numbers:
        string[number // 8] |= 0x80 >> number % 8
    return b"\0" + bytes(string)


@lru_cache(_REMEMBERED)
def tbcd(text: str) -> bytes:
    """Return digits two an octet, the first in the lower half."""
    digits = text.translate(_TBCD)
    digits += _FILLER * (len(digits) % 2)
    return bytes.fromhex("".join(digits[i + 1] + digits[i] for i in range(0, len(digits), 2)))


@lru_cache(_REMEMBERED)
def bcd(text: str) -> bytes:
    """Return digits two an octet, the first in the upper half."""
    digits = text.translate(_BCD)
    return bytes.fromhex(digits + _FILLER * (len(digits) % 2))


@lru_cache(_REMEMBERED)
def number(text: str) -> bytes:
    """Return a telephone number: `+` before an international one, `N` before a national one."""
    kind = _TYPES.get(text[:1])
    if kind is None:
        return bytes([_TYPE_UNKNOWN]) + tbcd(text)
    return bytes([kind]) + tbcd(text[1:])


@lru_cache(_REMEMBERED)
def sms_number(text: str) -> bytes:
    """Return the number of a message: the count of its digits, then as `number`."""
    return bytes([len(text.lstrip("+" + NATIONAL))]) + number(text)


def timestamp(text: str) -> bytes:
    """Return an ISO instant with its offset: YYMMDDhhmmss, sign and hhmm of the offset."""
    local = text[2:4] + text[5:7] + text[8:10] + text[11:13] + text[14:16] + text[17:19]
    sign, offset = text[19], text[20:22] + text[23:25]
    return bytes.fromhex(local) + sign.encode() + bytes.fromhex(offset)


def time_zone(text: str) -> bytes:
    """Return an offset like `+02:00` in quarters of an hour, and that no summer time is in it."""
    tens, ones = divmod((int(text[1:3]) * 60 + int(text[4:6])) // 15, 10)
    return bytes([ones << 4 | tens | (0x08 if text[0] == "-" else 0), 0])


def ip_address(text: str) -> bytes:
    """Return an address in 4 or 16 octets."""
    return parse_address(text).packed


@lru_cache(_REMEMBERED)
def plmn(text: str) -> bytes:
    """Return a network, country code and two or three digits, in three octets."""
    country, network = text[:3], text[3:].ljust(3, _FILLER)
    return bytes.fromhex(
        country[1] + country[0] + network[2] + country[2] + network[1] + network[0]
    )


ENCODINGS: Final[Mapping[str, Encoding]] = {
    "bcd": bcd,
    "bits": bits,
    "boolean": boolean,
    "ia5": ia5,
    "integer": integer,
    "ip_address": ip_address,
    "mark": mark,
    "number": number,
    "octets": bytes.fromhex,
    "plmn": plmn,
    "sms_number": sms_number,
    "tbcd": tbcd,
    "time_zone": time_zone,
    "timestamp": timestamp,
    "utf8": utf8,
}
