"""Letters: a folder per batch with PDFs and a manifest, which a printer takes over as a whole.

A batch is complete when `manifest.csv` is there, and from then on closed: what comes later goes
into `<batch>-2`. The manifest lists each letter with its hash and pages, so that nothing is printed
twice or lost.
"""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from pypdf import PdfReader
from pypdf.errors import PyPdfError

from orchestration.dispatch.channel import (
    Delivery,
    PermanentFailure,
    Receipt,
    check_document_number,
    one_line,
    read_payload,
)
from orchestration.lib.errors import TollhouseError
from orchestration.lib.files import write_atomically
from orchestration.lib.lock import file_lock

CHANNEL = "post"
MANIFEST = "manifest.csv"
COLUMNS = (
    "document_number",
    "file",
    "sha256",
    "pages",
    "name",
    "street",
    "postal_code",
    "city",
    "country_code",
)

_BATCH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_ROWS = ".rows"


@dataclass(frozen=True)
class PrintFolder:
    """One open batch; `printed` holds the hashes of letters in its closed predecessors."""

    folder: Path
    printed: dict[str, str]

    @property
    def name(self) -> str:
        """Return the channel's name."""
        return CHANNEL

    def message_id(self, document: Delivery) -> str:
        """Return the letter's file name, by which the printer refers to it."""
        return f"{check_document_number(document.document_number)}.pdf"

    def send(self, document: Delivery) -> Receipt:
        """Put one letter into the batch, whole and once; see `Channel.send`."""
        number = check_document_number(document.document_number)
        if number in self.printed:
            return self._known(number, document)
        if document.postal_address is None:
            raise PermanentFailure("address", "no postal address")
        payload = read_payload(document)
        file_name = self.message_id(document)
        address = {key: one_line(value) for key, value in asdict(document.postal_address).items()}
        row = {
            "document_number": number,
            "file": file_name,
            "sha256": document.pdf_sha256,
            "pages": str(_count_pages(payload)),
            **address,
        }
        write_atomically(self.folder / file_name, payload)
        write_atomically(self.folder / _ROWS / f"{number}.json", json.dumps(row).encode())
        return Receipt("accepted", "printed", f"in batch {self.folder.name}")

    def close(self) -> None:
        """Write the manifest, which hands the batch over; an empty batch leaves nothing."""
        rows = [
            json.loads(path.read_bytes()) for path in sorted(self.folder.glob(f"{_ROWS}/*.json"))
        ]
        if not rows:
            return
        listed = {row["file"] for row in rows}
        for path in self.folder.glob("*.pdf"):
            # A kill left it between its file and its row; it was never accepted.
            if path.name not in listed:
                path.unlink()
        write_atomically(self.folder / MANIFEST, _manifest(rows))
        shutil.rmtree(self.folder / _ROWS)

    def _known(self, number: str, document: Delivery) -> Receipt:
        if self.printed[number] != document.pdf_sha256:
            raise PermanentFailure("payload", f"{number} is already with the printer, differently")
        return Receipt("accepted", "printed", "was already in a closed batch")


@contextmanager
def print_folder(root: Path, batch: str) -> Iterator[PrintFolder]:
    """Open the print channel for a batch below `root`, usually `outbox/print`.

    Leaving the block closes the batch; an exception leaves it open, and the next call goes on with
    it.
    """
    if not _BATCH.fullmatch(batch) or ".." in batch:
        raise TollhouseError(f"a batch is named by letters, digits, dots and dashes, not {batch!r}")
    with file_lock(root / ".print.lock", wait_seconds=10):
        channel = _open(root, batch)
        yield channel
        channel.close()


def _open(root: Path, batch: str) -> PrintFolder:
    printed: dict[str, str] = {}
    folder, following = root / batch, 2
    while (folder / MANIFEST).exists():
        printed |= _read_manifest(folder / MANIFEST)
        folder, following = root / f"{batch}-{following}", following + 1
    return PrintFolder(folder, printed)


def _read_manifest(path: Path) -> dict[str, str]:
    with path.open(encoding="utf-8", newline="") as stream:
        return {row["document_number"]: row["sha256"] for row in csv.DictReader(stream)}


def _manifest(rows: list[dict[str, str]]) -> bytes:
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, COLUMNS)
    writer.writeheader()
    writer.writerows({key: _harmless(row[key]) for key in COLUMNS} for row in rows)
    return stream.getvalue().encode()


def _harmless(value: str) -> str:
    """Keep a spreadsheet from running a customer's name as a formula."""
    return f"'{value}" if value.startswith(("=", "+", "-", "@")) else value


def _count_pages(payload: bytes) -> int:
    try:
        pages = len(PdfReader(io.BytesIO(payload)).pages)
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise PermanentFailure("payload", "the PDF cannot be read") from error
    if pages == 0:
        raise PermanentFailure("payload", "the PDF has no pages")
    return pages
