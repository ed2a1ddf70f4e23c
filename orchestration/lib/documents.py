"""The document store: what the customer got, byte for byte, named by its SHA-256."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from orchestration.lib.errors import TollhouseError
from orchestration.lib.files import sha256_file, write_atomically
from orchestration.settings import Settings

_SUFFIX = re.compile(r"\.[a-z0-9]{1,8}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class DocumentStoreError(TollhouseError):
    """A stored document is missing or is not what its name says."""


@dataclass(frozen=True)
class StoredDocument:
    """A document in the store; `path` is relative to `documents/` and is what the ledger keeps."""

    sha256: str
    path: str
    size_bytes: int


def store_document(settings: Settings, content: bytes, suffix: str) -> StoredDocument:
    """Keep `content` as `documents/ab/<sha256><suffix>`: whole, once, and never overwritten.

    Raises `DocumentStoreError` when a file of that name holds other bytes: damage is shown, never
    repaired silently.
    """
    if not _SUFFIX.fullmatch(suffix):
        raise ValueError(f"a suffix looks like .pdf, not {suffix!r}")
    sha256 = hashlib.sha256(content).hexdigest()
    stored = StoredDocument(sha256, f"{sha256[:2]}/{sha256}{suffix}", len(content))
    target = settings.documents / stored.path
    if target.exists():
        _check(target, sha256)
    else:
        write_atomically(target, content)
    return stored


def load_document(settings: Settings, path: str, sha256: str) -> bytes:
    """Return the bytes of a stored document and prove that they are the ones that were issued."""
    target = settings.documents / path
    if not _SHA256.fullmatch(sha256) or not target.resolve().is_relative_to(
        settings.documents.resolve()
    ):
        raise DocumentStoreError(f"no document is stored as {path!r}")
    if not target.is_file():
        raise DocumentStoreError(f"document {path} is missing from the store")
    _check(target, sha256)
    return target.read_bytes()


def _check(target: Path, sha256: str) -> None:
    if sha256_file(target) != sha256:
        raise DocumentStoreError(
            f"document {target.name} is damaged: its bytes do not match its name"
        )
