"""RADIUS accounting as FreeRADIUS' rlm_detail writes it: a date line, attributes, a blank line.

    Fri Oct  2 09:12:06 2026
    \tAcct-Status-Type = Stop
    \tAcct-Session-Id = "4D2BB8AC-00000098"
    \tAcct-Input-Octets = 15
    \tAcct-Input-Gigawords = 1
    \tTimestamp = 1790925126

Octets (RFC 2866) wrap at 2^32, which the gigawords of RFC 2869 count; they are cumulative in a
session, so a session is billed by its Stop. Input and output are from the NAS's view. Beside the
attributes, `Session-Start` is the second in which the session began, in UTC: the record's
`Event-Timestamp` where that is an epoch, else its `Timestamp`, less `Acct-Delay-Time` and
`Acct-Session-Time`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from orchestration.collect.readers.records import (
    BrokenRecord,
    Item,
    NativeRecord,
    Reader,
    ReaderOptions,
    RefusedFile,
)
from orchestration.collect.records import read_line

LONGEST_DETAIL = 131_072
SESSION_START = "Session-Start"


def read_radius_detail(path: Path, _options: ReaderOptions) -> Iterator[Item]:
    """Yield a record per request. An attribute that repeats has its first value.

    The last record counts as cut off if no line break ends it. A file whose first record has no
    attribute is refused.
    """
    with path.open("rb") as stream:
        number, line_number, begins = 0, 0, 0
        lines: list[bytes] = []
        size = 0
        while line := read_line(stream):
            line_number += 1
            is_blank = not line.strip()
            # A line that is not indented begins a record, also where the blank one is missing.
            is_head = not is_blank and line[:1] not in (b"\t", b" ")
            if lines and (is_blank or is_head):
                number += 1
                yield _record(number, begins, lines, size)
                lines, size = [], 0
            if is_blank:
                continue
            begins = begins if lines else line_number
            size += len(line)
            # Of a record that is far too long, enough to see that it is.
            if size <= 2 * LONGEST_DETAIL:
                lines.append(line)
        if lines:
            yield _record(number + 1, begins, lines, size)


def _record(number: int, begins: int, lines: list[bytes], size: int) -> Item:
    raw = b"".join(lines)
    if number == 1 and begins == 1 and b" = " not in raw:
        raise RefusedFile("not_detail", "the file does not begin with a record of attributes")
    problem = _problem(lines, size)
    if problem:
        return BrokenRecord(number, begins, *problem, raw)
    fields: dict[str, str] = {}
    for line in lines[1:]:
        name, _, value = line.decode("utf-8", "backslashreplace").strip().partition(" = ")
        fields.setdefault(name, _unquoted(value))
    start = _session_start(fields)
    if start is not None:
        fields[SESSION_START] = str(start)
    return NativeRecord(number, begins, {name: one for name, one in fields.items() if one}, raw)


def _problem(lines: list[bytes], size: int) -> tuple[str, str] | None:
    if size > LONGEST_DETAIL:
        return "record_too_long", f"the record is longer than {LONGEST_DETAIL} bytes"
    if not lines[-1].endswith(b"\n"):
        return "cut_off", "the file ends without a line break: its last record may be cut off"
    if lines[0][:1] in (b"\t", b" "):
        return "no_date", "the record does not begin with a line that says when"
    for line in lines[1:]:
        if b"\0" in line:
            return "control_character", "a line contains a NUL"
        if b" = " not in line:
            return "no_attribute", "a line is no attribute with a value"
    return ("no_attribute", "the record has no attribute") if len(lines) == 1 else None


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] == '"':
        return value[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return value


def _session_start(fields: dict[str, str]) -> int | None:
    said = fields.get("Event-Timestamp", "")
    # Times of the record itself, where the server writes them as numbers, need no delay.
    delay = 0 if _is_count(said) else _count(fields.get("Acct-Delay-Time", "0"))
    at = _count(said if _is_count(said) else fields.get("Timestamp", ""))
    lasted = _count(fields.get("Acct-Session-Time", "0"))
    if at is None or delay is None or lasted is None:
        return None
    return at - delay - lasted


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 12


def _count(text: str) -> int | None:
    return int(text) if _is_count(text) else None


RADIUS_DETAIL = Reader(
    "radius_detail",
    "FreeRADIUS detail files: the attributes by name, and `Session-Start` as an epoch.",
    read_radius_detail,
    lambda _: None,
    is_text=True,
)
