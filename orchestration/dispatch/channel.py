"""What a channel is: it takes one document and gives a receipt, or says why it could not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from orchestration.lib.errors import TollhouseError
from orchestration.lib.files import sha256_file

_NUMBER = re.compile(r"[A-Z0-9]+(-[A-Z0-9]+)*")
_ADDRESS = re.compile(r"([^\s@<>,;:]+)@([^\s@<>,;:]+)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
REASON_LENGTH = 300


@dataclass(frozen=True)
class PostalAddress:
    """Where a letter goes."""

    name: str
    street: str
    postal_code: str
    city: str
    country_code: str

    def in_one_line(self) -> str:
        """Return the address as the ledger keeps it."""
        town = f"{self.postal_code} {self.city}"
        return one_line(", ".join((self.name, self.street, town, self.country_code)))


@dataclass(frozen=True)
class Delivery:
    """One rendered document on its way to one recipient through one channel.

    `recipient` is what the ledger records: the e-mail address, or the postal address in one line.
    `subject`, `text` and `html` are for e-mail, `postal_address` for print. The texts are already
    escaped by their templates; everything else is data and is checked by the channel.
    """

    document_id: str
    document_number: str
    channel: str
    recipient: str
    pdf_path: Path
    pdf_sha256: str
    subject: str = ""
    text: str = ""
    html: str = ""
    postal_address: PostalAddress | None = None

    @property
    def idempotency_key(self) -> str:
        """Return the key under which this document goes out once."""
        return f"{self.document_number}:{self.channel}"


@dataclass(frozen=True)
class Receipt:
    """What the other side said: `accepted` (it has taken it over) or `delivered`."""

    state: str
    code: str
    reason: str


class Channel(Protocol):
    """A way out of the house. It remembers nothing about documents: the ledger does."""

    @property
    def name(self) -> str:
        """Return the channel's name in the ledger and in idempotency keys."""
        ...

    def message_id(self, document: Delivery) -> str:
        """Return the name that this document has at the other side, the same in every attempt."""
        ...

    def send(self, document: Delivery) -> Receipt:
        """Hand the document over, or raise a `DeliveryError`."""
        ...


class DeliveryError(TollhouseError):
    """A document could not be handed over; `code` and `reason` go into the ledger."""

    def __init__(self, code: str, reason: str) -> None:
        self.code = code
        self.reason = one_line(reason)[:REASON_LENGTH]
        super().__init__(f"{self.code}: {self.reason}")


class PermanentFailure(DeliveryError):
    """Trying again would not help this document."""


class TemporaryFailure(DeliveryError):
    """Trying again later may help this document."""


class ChannelUnavailable(TemporaryFailure):
    """No document gets through at present: there is no use in trying the next one."""


def check_document_number(document_number: str) -> str:
    """Return a document number that is safe as a file name and in a header, or refuse it."""
    if len(document_number) > 64 or not _NUMBER.fullmatch(document_number):
        raise PermanentFailure("document_number", f"not a document number: {document_number!r}")
    return document_number


def read_payload(document: Delivery) -> bytes:
    """Return the PDF after proving that it is the one the ledger names."""
    try:
        if sha256_file(document.pdf_path) == document.pdf_sha256:
            return document.pdf_path.read_bytes()
    except OSError as error:
        reason = error.strerror or "unreadable"
        raise PermanentFailure("payload", f"{document.pdf_path.name}: {reason}") from error
    raise PermanentFailure("payload", f"{document.pdf_path.name} is not what was rendered")


def one_line(value: str) -> str:
    """Return text without control characters, which could forge a header or a log line."""
    return " ".join(_CONTROL.sub(" ", value).split())


def mask_addresses(value: str) -> str:
    """Hide who is behind each e-mail address of a text: `anna@example.org` → `a***@example.org`."""
    return _ADDRESS.sub(lambda found: f"{found[1][0]}***@{found[2]}", value)
