"""The values of network records: contents octets to text, each by a named codec.

A codec takes an element's contents and returns text, or raises `ValueError`. Instants come out as
ISO 8601 with the record's own UTC offset, numbers of subscribers as digits, with `+` before the
international ones and `N` before the national ones; nothing is converted. Sources: TS 32.298 5.1
and 5.2 (what a field is), TS 29.002 17.7.8 (TBCD, AddressString), TS 24.008 10.5.4.7 (numbers),
TS 23.040 9.1.2.5 (numbers of messages), TS 23.003 (IMSI, PLMN), TD.57 (TAP).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from orchestration.collect.readers.ber import Codec
from orchestration.collect.readers.records import NATIONAL

_SWAPPED = bytes((octet & 0x0F) << 4 | octet >> 4 for octet in range(256))
_TBCD = str.maketrans("abcde", "*#abc")
_BCD = str.maketrans("acde", "*#ab")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_LAST, _TYPE, _ALPHANUMERIC = 0x80, 0x70, 0x50
_MARKS: Final[Mapping[int, str]] = {0x10: "+", 0x20: NATIONAL}
_OF_ONE_OCTET = tuple(str(octet - 256 * (octet > 127)) for octet in range(256))
_REMEMBERED = 1 << 14


def integer(content: bytes) -> str:
    """Return a whole number: two's complement, most significant octet first (X.690, 8.3)."""
    if len(content) == 1:
        return _OF_ONE_OCTET[content[0]]
    if not 0 < len(content) <= 16:
        raise ValueError("an integer of no or too many octets")
    return str(int.from_bytes(content, "big", signed=True))


def boolean(content: bytes) -> str:
    """Return `true` or `false` (X.690, 8.2)."""
    if len(content) != 1:
        raise ValueError("a boolean of other than one octet")
    return "true" if content != b"\0" else "false"


def mark(content: bytes) -> str:
    """Return `true`: a mark is set by being there (X.690, 8.8)."""
    if content:
        raise ValueError("a mark with contents")
    return "true"


def octets(content: bytes) -> str:
    """Return the octets in hex."""
    return content.hex()


@lru_cache(_REMEMBERED)
def ia5(content: bytes) -> str:
    """Return printable text of 7-bit characters."""
    text = content.decode("ascii")
    if not text.isprintable():
        raise ValueError("text with control characters")
    return text


@lru_cache(_REMEMBERED)
def utf8(content: bytes) -> str:
    """Return text without control characters."""
    text = content.decode("utf-8")
    if _UNPRINTABLE.search(text):
        raise ValueError("text with control characters")
    return text


@lru_cache(_REMEMBERED)
def bits(content: bytes) -> str:
    """Return the numbers of the bits that are set, counted from 0, joined by spaces."""
    if not content or content[0] > 7 or (len(content) == 1 and content[0]):
        raise ValueError("no bit string")
    count = 8 * (len(content) - 1) - content[0]
    number = int.from_bytes(content[1:], "big") >> content[0]
    return " ".join(str(bit) for bit in range(count) if number >> count - 1 - bit & 1)


@lru_cache(_REMEMBERED)
def tbcd(content: bytes) -> str:
    """Return digits, two an octet, the first in the lower half, the filler F left out.

    The values beyond 9 are written `* # a b c`, as TS 29.002 has them.
    """
    text = content.translate(_SWAPPED).hex()
    if text[-1:] == "f":
        text = text[:-1]
    if not text.isdecimal():
        if not text or "f" in text:
            raise ValueError("a filler amid digits")
        text = text.translate(_TBCD)
    return text


@lru_cache(_REMEMBERED)
def bcd(content: bytes) -> str:
    """Return digits, two an octet, the first in the upper half, the filler F left out (TD.57)."""
    text = content.hex()
    if text[-1:] == "f":
        text = text[:-1]
    if not text.isdecimal():
        if not text or text.strip("0123456789acde"):
            raise ValueError("a filler amid digits")
        text = text.translate(_BCD)
    return text


@lru_cache(_REMEMBERED)
def number(content: bytes) -> str:
    """Return a telephone number: type and plan in the first octet, then TBCD.

    An international number has `+` before its digits, a national one without its prefix has `N`,
    all others stand as they were dialled. A first octet without its top bit is followed by one that
    says how to present the number.
    """
    if not content:
        raise ValueError("no type of number")
    kind = content[0] & _TYPE
    if kind == _ALPHANUMERIC:
        raise ValueError("a name, not a number")
    if content[0] & _LAST:
        digits = tbcd(content[1:])
    elif len(content) > 1 and content[1] & _LAST:
        digits = tbcd(content[2:])
    else:
        raise ValueError("no type of number")
    return f"{_MARKS.get(kind, '')}{digits}"


@lru_cache(_REMEMBERED)
def sms_number(content: bytes) -> str:
    """Return the number of a message: as `number`, or with its count of digits before.

    The count (TS 23.040, 9.1.2.5) is at most 20, so it is told from a type, whose top bit is set.
    """
    if content and content[0] <= 20 and len(content) > 1:
        count, address = content[0], content[1:]
        if count > 2 * (len(address) - 1):
            raise ValueError("more digits counted than there are")
        marked = number(address)
        return marked[: count + (marked[:1] in _MARKS.values())]
    return number(content)


@lru_cache(_REMEMBERED)
def timestamp(content: bytes) -> str:
    """Return an instant: six BCD octets of local time, a sign, two BCD octets of UTC offset.

    TS 32.298 5.2.2: YYMMDDhhmmssShhmm, nine octets; the year is of 2000 to 2099.
    """
    text = content.hex()
    sign = content[6:7]
    if len(content) != 9 or sign not in (b"+", b"-") or not (text[:12] + text[14:]).isdecimal():
        raise ValueError("no time stamp")
    instant = (
        f"20{text[:2]}-{text[2:4]}-{text[4:6]}T{text[6:8]}:{text[8:10]}:{text[10:12]}"
        f"{sign.decode()}{text[14:16]}:{text[16:18]}"
    )
    datetime.fromisoformat(instant)
    return instant


@lru_cache(_REMEMBERED)
def time_zone(content: bytes) -> str:
    """Return a UTC offset like `+02:00`: quarters of an hour in swapped BCD (TS 29.060, 7.7.51)."""
    if not content:
        raise ValueError("no time zone")
    swapped = _SWAPPED[content[0]]
    tens, ones = swapped >> 4 & 0x07, swapped & 0x0F
    if ones > 9:
        raise ValueError("no time zone")
    minutes = (10 * tens + ones) * 15
    sign = "-" if swapped & 0x80 else "+"
    return f"{sign}{minutes // 60:02}:{minutes % 60:02}"


@lru_cache(_REMEMBERED)
def ip_address(content: bytes) -> str:
    """Return an address of 4 or 16 octets as text (RFC 5952 for the longer)."""
    if len(content) == 4:
        return str(IPv4Address(content))
    if len(content) == 16:
        return str(IPv6Address(content))
    raise ValueError("an address of other than 4 or 16 octets")


@lru_cache(_REMEMBERED)
def plmn(content: bytes) -> str:
    """Return country code and network code of a network, as digits, the latter two or three.

    TS 29.060 7.7.3: three octets; the third digit of the network code stands in the middle.
    """
    text = content.translate(_SWAPPED).hex()
    if len(content) != 3:
        raise ValueError("a network of other than three octets")
    digits = text[:3] + text[4:] + text[3].replace("f", "")
    if not digits.isdecimal():
        raise ValueError("no network")
    return digits


CODECS: Final[Mapping[str, Codec]] = {
    "bcd": bcd,
    "bits": bits,
    "boolean": boolean,
    "ia5": ia5,
    "integer": integer,
    "ip_address": ip_address,
    "mark": mark,
    "number": number,
    "octets": octets,
    "plmn": plmn,
    "sms_number": sms_number,
    "tbcd": tbcd,
    "time_zone": time_zone,
    "timestamp": timestamp,
    "utf8": utf8,
}
