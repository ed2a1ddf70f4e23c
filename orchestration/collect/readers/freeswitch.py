"""FreeSWITCH call records: mod_cdr_csv's `Master.csv`, and the XML of mod_xml_cdr.

The CSV is the module's default template; with another one the source names the `columns`. Of the
XML, the fields are the channel's `<variables>`, whose values are URL-encoded there, and those of
the first `<caller_profile>` in the call flow as `caller_profile.<name>`; `core-uuid` is the
switch's. The times to bill by are the `*_epoch` and `*_uepoch` variables: they need no time zone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote_plus

from lxml import etree

from orchestration.collect.readers.csv_file import read_columns, read_rows
from orchestration.collect.readers.records import (
    BrokenRecord,
    Item,
    NativeRecord,
    Reader,
    ReaderOptions,
    RefusedFile,
)

# mod_cdr_csv, the template "default" of its configuration as FreeSWITCH ships it.
COLUMNS = (
    *("caller_id_name", "caller_id_number", "destination_number", "context", "start_stamp"),
    *("answer_stamp", "end_stamp", "duration", "billsec", "hangup_cause", "uuid", "bleg_uuid"),
    *("accountcode", "read_codec", "write_codec"),
)
LONGEST_XML = 524_288
_CHUNK = 1 << 16
_START, _END = b"<cdr", b"</cdr>"


def read_freeswitch_csv(path: Path, options: ReaderOptions) -> Iterator[Item]:
    """Yield the rows of a `Master.csv`."""
    columns = options.columns or COLUMNS
    with path.open("rb") as stream:
        read_columns(stream, replace(options, columns=columns))
        yield from read_rows(stream, columns, options.delimiter, 1)


def read_freeswitch_xml(path: Path, _options: ReaderOptions) -> Iterator[Item]:
    """Yield each `<cdr>` of a file: mod_xml_cdr writes one a file, collectors join many.

    What lies between two records and is more than an XML declaration or the tags of an element
    around them is a broken record. A file without any `<cdr>` is refused.
    """
    number, is_found = 0, False
    before: list[BrokenRecord] = []
    with path.open("rb") as stream:
        for position, content, rule in split_elements(stream):
            number += 1
            if rule == _UNFRAMED and not is_found:
                # Told only once it is clear that the file has records at all.
                before = [BrokenRecord(number, position, rule, _WHY[rule], content)]
                continue
            yield from before
            is_found, before = True, []
            if rule:
                yield BrokenRecord(number, position, rule, _WHY[rule], content)
            else:
                yield _parse(number, position, content)
    if not is_found:
        raise RefusedFile("no_records", "the file has no <cdr>")


_UNFRAMED, _CUT_OFF = "unframed", "cut_off"
_WHY = {
    _UNFRAMED: "what lies here is not within <cdr> and </cdr>",
    _CUT_OFF: f"no </cdr> within {LONGEST_XML} bytes",
}
_BETWEEN = re.compile(rb"(?:\xef\xbb\xbf)?(?:\s|<\?[^<>]*\?>|</?(?!cdr\b)[A-Za-z_][^<>]*>)*")


def split_elements(stream: BinaryIO) -> Iterator[tuple[int, bytes, str]]:
    """Yield position and bytes of each `<cdr>...</cdr>`, in bounded memory, and what is wrong.

    Values are URL-encoded and text is escaped, so a closing tag always closes. What lies between
    is yielded, cut when it is long, where it is not what may lie there.
    """
    buffer, offset, is_end = b"", 0, False
    between, begins = b"", 0
    while True:
        start = _find_start(buffer)
        # Of what is no record, keep what may be the beginning of a tag.
        skipped = buffer[:start] if start >= 0 else buffer[: len(buffer) - len(_START)]
        if is_end and start < 0:
            skipped = buffer
        begins = begins if between else offset
        between += skipped[: LONGEST_XML - len(between)]
        offset, buffer = offset + len(skipped), buffer[len(skipped) :]
        if start >= 0 or (is_end and not buffer):
            if not _BETWEEN.fullmatch(between):
                yield begins, between, _UNFRAMED
            between = b""
        if start >= 0:
            end = buffer.find(_END) + len(_END)
            following = _find_start(buffer[1 : max(end, LONGEST_XML)]) + 1
            is_whole = len(_END) <= end <= LONGEST_XML and not 0 < following < end
            if is_whole or is_end or following or len(buffer) > LONGEST_XML:
                # One that is not closed takes no other along.
                end = end if is_whole else following or len(buffer)
                yield offset, buffer[: min(end, LONGEST_XML)], "" if is_whole else _CUT_OFF
                offset, buffer = offset + end, buffer[end:]
                continue
        elif is_end:
            return
        more = stream.read(_CHUNK)
        is_end = not more
        buffer += more


def _find_start(buffer: bytes) -> int:
    """Return where the next `<cdr` begins that is a whole tag name; -1 if none is there."""
    start = buffer.find(_START)
    while start >= 0:
        behind = buffer[start + len(_START) : start + len(_START) + 1]
        if behind in (b" ", b">", b"\t", b"\r", b"\n"):
            return start
        start = buffer.find(_START, start + 1)
    return -1


def _parse(number: int, position: int, content: bytes) -> NativeRecord | BrokenRecord:
    # Entities are refused below: a record has no document type, and needs none of its own.
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False, encoding="utf-8"
    )
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        return BrokenRecord(number, position, "not_xml", f"not XML: {error.msg}", content)
    fields: dict[str, str] = {}
    uuid = root.get("core-uuid")
    if uuid:
        fields["core-uuid"] = uuid
    for variable in root.iterfind("variables/*"):
        if isinstance(variable.tag, str) and variable.text:
            fields[variable.tag] = unquote_plus(variable.text)
    profile = root.find("callflow/caller_profile")
    for one in profile if profile is not None else ():
        if isinstance(one.tag, str) and one.text:
            fields[f"caller_profile.{one.tag}"] = unquote_plus(one.text)
    return NativeRecord(number, position, fields, content)


def fields(options: ReaderOptions) -> frozenset[str]:
    """Return the fields that a row of the CSV has."""
    return frozenset(options.columns or COLUMNS)


FREESWITCH_CSV = Reader(
    "freeswitch_csv",
    "FreeSWITCH mod_cdr_csv, rows without a header; `columns` for another template.",
    read_freeswitch_csv,
    fields,
    is_text=True,
)
FREESWITCH_XML = Reader(
    "freeswitch_xml",
    "FreeSWITCH mod_xml_cdr: the channel's variables, and `caller_profile.*`.",
    read_freeswitch_xml,
    lambda _: None,
    is_text=True,
)
