"""Looking at a source file's bytes: what it is, and its records when they are not plain lines."""

from __future__ import annotations

import codecs
import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

LONGEST_RECORD = 131_072
LONGEST_QUOTED_LINES = 100
_CHUNK = 1 << 20
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Inspection:
    """What one pass over a file's bytes tells.

    `is_plain` means: no quote, no NUL, one kind of line break, and a line break at the end, so
    that a record is a line. `invalid_line` is the first line that is not UTF-8. `is_spaced` says
    that a space stands at the edge of some field.
    """

    file_id: str
    size_bytes: int
    first_line: bytes
    line_count: int
    comma_count: int
    is_plain: bool
    invalid_line: int | None
    is_spaced: bool


class Sound(NamedTuple):
    """A record with the right number of fields, as CSV without a line break behind it.

    A tuple, since a large file makes millions of them.
    """

    record_number: int
    line_number: int
    content: bytes


@dataclass(frozen=True)
class Broken:
    """A line that is not a record: the rule it breaks, the reason, and its text."""

    record_number: int
    line_number: int
    rule: str
    reason: str
    raw: str


def inspect_file(path: Path, delimiter: str = ",") -> Inspection:
    """Return hash, size, counts and encoding of a file, reading it once in small parts.

    `comma_count` counts the delimiter, whatever it is.
    """
    separator = delimiter.encode()
    digest = hashlib.sha256()
    decoder = codecs.getincrementaldecoder("utf-8")()
    size = lines = commas = returns = pairs = 0
    odd, last, invalid_line, first_line = False, b"", None, b""
    edges = (separator + b" ", b" " + separator, b"\n ", b" \n", b" \r")
    spaced = False
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            if invalid_line is None:
                invalid_line = _invalid_line(decoder, chunk, lines)
            first_line = first_line or chunk[:LONGEST_RECORD].split(b"\n", 1)[0]
            size += len(chunk)
            lines += chunk.count(b"\n")
            commas += chunk.count(separator)
            returns += chunk.count(b"\r")
            pairs += chunk.count(b"\r\n") + (last == b"\r" and chunk[:1] == b"\n")
            seam = (last or b"\n") + chunk[:1]
            spaced = spaced or any(edge in chunk or edge == seam for edge in edges)
            odd = odd or b'"' in chunk or b"\0" in chunk
            last = chunk[-1:]
    if invalid_line is None and _invalid_line(decoder, b"", lines, final=True):
        invalid_line = lines + 1
    is_plain = not odd and last == b"\n" and returns == pairs and pairs in (0, lines)
    return Inspection(
        digest.hexdigest(), size, first_line, lines, commas, is_plain, invalid_line, spaced
    )


def _invalid_line(
    decoder: codecs.IncrementalDecoder, chunk: bytes, lines: int, final: bool = False
) -> int | None:
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError as error:
        return lines + 1 + error.object[: error.start].count(b"\n")
    return None


def parse_header(first_line: bytes) -> list[str]:
    """Return the column names of a file's first line, which is known to be UTF-8."""
    text = first_line.removeprefix(_BOM).rstrip(b"\r\n").decode("utf-8", "replace")
    try:
        return next(csv.reader([text], strict=True), [])
    except csv.Error:
        return text.split(",")


def split_records(stream: BinaryIO, width: int) -> Iterator[Sound | Broken]:
    """Yield every record behind the header, sound or broken, numbered from 1.

    A broken record ends with its line, however its quotes stand, so that one stray quote never
    takes the lines behind it along. A last line without a line break counts as cut off.
    """
    stream.readline()
    line_number = 2
    record_number = 1
    while line := read_line(stream):
        if b'"' in line:
            record, used = _quoted_record(stream, line, width, record_number, line_number)
        else:
            record, used = _plain_record(line, width, record_number, line_number), 1
        yield record
        record_number += 1
        line_number += used


def read_line(stream: BinaryIO) -> bytes:
    """Return the next line; of an endless one, enough to see that it is, and the rest passed."""
    line = rest = stream.readline(LONGEST_RECORD + 1)
    while len(rest) > LONGEST_RECORD and not rest.endswith(b"\n"):
        rest = stream.readline(LONGEST_RECORD + 1)
    return line


def _plain_record(line: bytes, width: int, record: int, number: int) -> Sound | Broken:
    problem = _line_problem(line)
    found = line.count(b",") + 1
    if problem is None and found == width:
        return Sound(record, number, line.removesuffix(b"\n").removesuffix(b"\r"))
    return _broken(line, record, number, *(problem or _width_problem(found, width)))


def _quoted_record(
    stream: BinaryIO, line: bytes, width: int, record: int, number: int
) -> tuple[Sound | Broken, int]:
    """Return the record that begins with `line` and how many lines it takes."""
    behind_line = stream.tell()
    lines: list[bytes] = []

    def text_lines() -> Iterator[str]:
        following = line
        while following and len(lines) < LONGEST_QUOTED_LINES:
            lines.append(following)
            yield following.decode("utf-8", "replace")
            following = read_line(stream)

    fields: list[str] = []
    problem = _line_problem(line)
    try:
        fields = fields if problem else next(csv.reader(text_lines(), strict=True))
    except csv.Error as error:
        problem = "bad_quotes", f"quotes: {error}"
    for part in lines[1:]:
        problem = problem or _line_problem(part, inside=True)
    if sum(map(len, lines)) > LONGEST_RECORD:
        problem = problem or ("record_too_long", f"longer than {LONGEST_RECORD} bytes")
    if problem is None and len(fields) != width:
        problem = _width_problem(len(fields), width)
    if problem is None:
        return Sound(record, number, _as_csv(fields)), len(lines)
    stream.seek(behind_line)
    return _broken(line, record, number, *problem), 1


def _as_csv(fields: list[str]) -> bytes:
    return ",".join('"' + field.replace('"', '""') + '"' for field in fields).encode()


def _line_problem(line: bytes, inside: bool = False) -> tuple[str, str] | None:
    """Return rule and reason if a physical line cannot be (part of) a record."""
    if not inside and not line.strip(b"\r\n"):
        return "blank_line", "the line is empty"
    if len(line) > LONGEST_RECORD:
        return "record_too_long", f"the line is longer than {LONGEST_RECORD} bytes"
    if not line.endswith(b"\n"):
        return "cut_off", "the file ends without a line break: its last record may be cut off"
    if b"\0" in line or b"\r" in line[:-2]:
        return "control_character", "the line contains a NUL or a lone carriage return"
    return None


def _width_problem(found: int, width: int) -> tuple[str, str]:
    return "column_count", f"{found} columns instead of {width}"


def _broken(line: bytes, record: int, number: int, rule: str, reason: str) -> Broken:
    raw = line[: 4 * 2_000].decode("utf-8", "ignore").rstrip("\r\n")[:2_000]
    return Broken(record, number, rule, reason, raw)
