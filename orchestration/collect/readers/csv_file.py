"""Any CSV, line by line: its header or the source names the columns."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from orchestration.collect.readers.records import (
    BrokenRecord,
    Item,
    NativeRecord,
    Reader,
    ReaderOptions,
    RefusedFile,
)
from orchestration.collect.records import LONGEST_QUOTED_LINES, LONGEST_RECORD, read_line

BOM = b"\xef\xbb\xbf"
_NOT_TEXT = {
    b"\x1f\x8b": "gzip",
    b"PK": "Excel or zip",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
    b"PAR1": "Parquet",
}


def read_csv_file(path: Path, options: ReaderOptions) -> Iterator[Item]:
    """Yield the records of a CSV file with or without a header.

    A field that is not UTF-8 is shown with backslashes: who has mapped it will see it rejected,
    who has not need not care. Spaces around a field are no part of it.
    """
    with path.open("rb") as stream:
        columns = read_columns(stream, options)
        line_number = 1 if options.columns else 2
        yield from read_rows(stream, columns, options.delimiter, line_number)


def read_columns(stream: BinaryIO, options: ReaderOptions) -> tuple[str, ...]:
    """Return the names of a file's columns and leave the stream at its first record.

    Raises `RefusedFile` if the file is empty, no text, or has a header that names nothing.
    """
    start = stream.read(len(BOM) + 1)
    if not start:
        raise RefusedFile("empty_file", "the file has no bytes")
    for magic, kind in _NOT_TEXT.items():
        if start.startswith(magic):
            raise RefusedFile("not_text", f"the file looks like {kind}")
    stream.seek(len(BOM) if start.startswith(BOM) else 0)
    if options.columns:
        return options.columns
    header = read_line(stream)
    if not header.endswith(b"\n"):
        raise RefusedFile("cut_off", "the file ends within its header")
    fields, problem = split_line(header, options.delimiter)
    if problem or "" in fields or len(set(fields)) < len(fields):
        raise RefusedFile("wrong_header", "a column has no name, or the name of another")
    return tuple(fields)


def read_rows(
    stream: BinaryIO,
    columns: Sequence[str],
    delimiter: str,
    line_number: int,
    shortest: int | None = None,
) -> Iterator[Item]:
    """Yield the records of a stream from `line_number` on, each of `columns`.

    With `shortest` a record may lack columns at its end, down to that many.
    """
    fewest = len(columns) if shortest is None else shortest
    number = 1
    while line := read_line(stream):
        fields, problem, used = _read_record(stream, line, delimiter)
        raw = b"".join(used)
        if problem is None and not fewest <= len(fields) <= len(columns):
            problem = "column_count", f"{len(fields)} columns instead of {len(columns)}"
        if problem is None:
            named = {name: value for name, value in zip(columns, fields, strict=False) if value}
            yield NativeRecord(number, line_number, named, raw)
        else:
            yield BrokenRecord(number, line_number, *problem, raw)
        number += 1
        line_number += len(used)


Problem = tuple[str, str]


def split_line(line: bytes, delimiter: str) -> tuple[list[str], Problem | None]:
    """Return the fields of one line without a line break inside quotes, or what is wrong."""
    text = line.decode("utf-8", "backslashreplace").rstrip("\r\n")
    if '"' not in text:
        return [field.strip(" ") for field in text.split(delimiter)], None
    try:
        fields = next(csv.reader([text], delimiter=delimiter, strict=True, skipinitialspace=True))
    except csv.Error as error:
        return [], ("bad_quotes", f"quotes: {error}")
    return [field.strip(" ") for field in fields], None


def _read_record(
    stream: BinaryIO, line: bytes, delimiter: str
) -> tuple[list[str], Problem | None, list[bytes]]:
    """Return a record's fields, or its problem, and the lines that it takes.

    A broken record ends with its line, however its quotes stand, so that one stray quote never
    takes the lines behind it along.
    """
    problem = _line_problem(line)
    if problem:
        return [], problem, [line]
    fields, problem = split_line(line, delimiter)
    # A quote that is still open may be closed on a later line.
    if problem is None or line.count(b'"') % 2 == 0:
        return fields, problem, [line]
    behind, lines = stream.tell(), [line]
    while len(lines) < LONGEST_QUOTED_LINES and sum(map(len, lines)) <= LONGEST_RECORD:
        following = read_line(stream)
        if not following or _line_problem(following) not in (None, _BLANK):
            break
        lines.append(following)
        if b"".join(lines).count(b'"') % 2 == 0:
            fields, problem = _split_lines(lines, delimiter)
            break
    if problem is None:
        return fields, None, lines
    stream.seek(behind)
    return [], problem, [line]


def _split_lines(lines: list[bytes], delimiter: str) -> tuple[list[str], Problem | None]:
    text = [line.decode("utf-8", "backslashreplace") for line in lines]
    try:
        records = list(csv.reader(text, delimiter=delimiter, strict=True, skipinitialspace=True))
    except csv.Error as error:
        return [], ("bad_quotes", f"quotes: {error}")
    if len(records) != 1:
        return [], ("bad_quotes", "quotes: not closed on their line")
    return [field.strip(" ") for field in records[0]], None


_BLANK = ("blank_line", "the line is empty")


def _line_problem(line: bytes) -> Problem | None:
    if not line.strip(b"\r\n"):
        return _BLANK
    if len(line) > LONGEST_RECORD:
        return "record_too_long", f"the line is longer than {LONGEST_RECORD} bytes"
    if not line.endswith(b"\n"):
        return "cut_off", "the file ends without a line break: its last record may be cut off"
    if b"\0" in line or b"\r" in line[:-2]:
        return "control_character", "the line contains a NUL or a lone carriage return"
    return None


def named_columns(options: ReaderOptions) -> frozenset[str] | None:
    """Return the fields of a file whose columns the source names; `None`: its header does."""
    return frozenset(options.columns) or None


CSV = Reader(
    "csv",
    "Any CSV; the header names the fields, or `columns` of the source where there is none.",
    read_csv_file,
    named_columns,
    is_text=True,
)
