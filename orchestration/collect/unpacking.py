"""Text files as the readers take them: a gzipped one unpacked, one in UTF-16 as UTF-8."""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from orchestration.collect.readers.records import RefusedFile

# Records of usage pack to a tenth or a thirtieth; what unpacks to far more is made to fill disks.
MOST_TIMES = 200
ALWAYS_ALLOWED = 1 << 26
_CHUNK = 1 << 20
_GZIP = b"\x1f\x8b"
_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def plain_text(path: Path, work: Path) -> Path:
    """Return a file that holds the text of `path` as it is: itself, or a copy in `work`.

    Reads and writes in small parts. Raises `RefusedFile` where it cannot be unpacked or decoded,
    or unpacks to more than `MOST_TIMES` its size.
    """
    if _begins(path) == _GZIP:
        unpacked = work / "unpacked"
        _write(_unpacked(path), unpacked)
        path = unpacked
    if _begins(path) in _MARKS:
        decoded = work / "decoded"
        _write(_decoded(path), decoded)
        path = decoded
    return path


def _begins(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(2)


def _write(chunks: Iterator[bytes], path: Path) -> None:
    with path.open("wb") as stream:
        stream.writelines(chunks)


def _chunks(stream: BinaryIO | gzip.GzipFile) -> Iterator[bytes]:
    while chunk := stream.read(_CHUNK):
        yield chunk


def _unpacked(path: Path) -> Iterator[bytes]:
    most = max(ALWAYS_ALLOWED, MOST_TIMES * path.stat().st_size)
    try:
        with gzip.open(path, "rb") as stream:
            for chunk in _chunks(stream):
                most -= len(chunk)
                if most < 0:
                    reason = f"it unpacks to more than {MOST_TIMES} times its size"
                    raise RefusedFile("unpacks_too_far", reason)
                yield chunk
    except EOFError:
        raise RefusedFile("cut_off", "the gzip file ends early") from None
    except (gzip.BadGzipFile, zlib.error):
        raise RefusedFile("not_gzip", "the gzip file is damaged") from None


def _decoded(path: Path) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder("utf-16")()
    try:
        with path.open("rb") as stream:
            for chunk in _chunks(stream):
                yield decoder.decode(chunk).encode("utf-8")
            yield decoder.decode(b"", True).encode("utf-8")
    except UnicodeError:
        raise RefusedFile("not_utf16", "the file begins as UTF-16, but is not") from None
