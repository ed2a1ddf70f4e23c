"""Asterisk's `Master.csv` (cdr_csv, cdr_custom): a CSV without a header, in the columns of the PBX.

One call may be several rows with one `linkedid`, and `uniqueid` repeats: `group_field` and a
`record_id` of several fields are made for that. Times are the PBX's local ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from orchestration.collect.readers.csv_file import read_columns, read_rows
from orchestration.collect.readers.records import Item, Reader, ReaderOptions

# Asterisk, cdr_csv.c: the three at the end came later, and are written only where asked for.
COLUMNS = (
    *("accountcode", "src", "dst", "dcontext", "clid", "channel", "dstchannel", "lastapp"),
    *("lastdata", "start", "answer", "end", "duration", "billsec", "disposition", "amaflags"),
    *("uniqueid", "userfield"),
)
LATER_COLUMNS = ("peeraccount", "linkedid", "sequence")


def read_asterisk(path: Path, options: ReaderOptions) -> Iterator[Item]:
    """Yield the rows of a `Master.csv`: with the source's `columns`, or as `cdr_csv` writes them.

    The numbers of columns that `cdr_csv` writes are 16 to 21: `uniqueid` and `userfield` are
    optional, and so are the later ones.
    """
    columns: tuple[str, ...] = options.columns or (*COLUMNS, *LATER_COLUMNS)
    with path.open("rb") as stream:
        read_columns(stream, replace(options, columns=columns))
        shortest = len(columns) if options.columns else len(COLUMNS) - 2
        yield from read_rows(stream, columns, options.delimiter, 1, shortest)


def fields(options: ReaderOptions) -> frozenset[str]:
    """Return the fields that a row has."""
    return frozenset(options.columns or (*COLUMNS, *LATER_COLUMNS))


ASTERISK_CSV = Reader(
    "asterisk_csv",
    "Asterisk Master.csv, rows without a header; `columns` where cdr_custom has another order.",
    read_asterisk,
    fields,
    is_text=True,
)
