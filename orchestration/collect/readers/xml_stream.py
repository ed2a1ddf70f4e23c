"""XML files of any size in constant memory: elements as they open and close, nothing is kept.

A file may be gzipped, whatever its name. No entity is ever expanded and none may be declared, a
gzip may not hold a thousandfold of its size, and no tag, text or nesting is longer than a bound:
what goes beyond ends the file at that place.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Protocol
from xml.parsers import expat

from orchestration.collect.readers.records import BrokenRecord, Item, RefusedFile

LONGEST_TEXT: Final = 262_144
LONGEST_TAG: Final = 1 << 20
DEEPEST: Final = 32
# What deflate does at its best is a thousandfold; files of counters come to thirty.
LARGEST_RATIO: Final = 250
ALWAYS_INFLATED: Final = 64 << 20
_CHUNK: Final = 1 << 16
_GZIP: Final = b"\x1f\x8b"


class DamagedError(Exception):
    """The rest of a file cannot be read: the rule it breaks and one line why."""

    def __init__(self, rule: str, reason: str) -> None:
        super().__init__(f"{rule}: {reason}")
        self.rule = rule
        self.reason = reason


class ElementHandler(Protocol):
    """What a format does as elements open and close; names are without their prefix.

    `items` are the records found since they were last taken, `count` how many there were in all.
    `is_known` says whether an element that only this format has was met.
    """

    items: list[Item]
    is_known: bool

    @property
    def count(self) -> int: ...

    def start(self, name: str, attributes: dict[str, str], line: int) -> None: ...

    def end(self, name: str, text: str) -> None: ...

    def close(self) -> None:
        """The document has ended, whole or not; what the file says of itself is known."""


def parse_elements(path: Path, handler: ElementHandler) -> Iterator[Item]:
    """Yield what `handler` finds in a file, and what follows a damage as one broken record.

    A file in which nothing of the format was found is refused.
    """
    parser = expat.ParserCreate()
    _attach(parser, handler)
    fed, chunk = 0, b""
    damage: DamagedError | None = None
    try:
        for chunk in _inflated(path):
            parser.Parse(chunk, False)
            fed += len(chunk)
            if fed - parser.CurrentByteIndex > LONGEST_TAG:
                raise DamagedError("too_long", f"a tag is longer than {LONGEST_TAG} bytes")
            yield from handler.items
            handler.items.clear()
        chunk = b""
        parser.Parse(b"", True)
    except DamagedError as found:
        damage = found
    except expat.ExpatError as error:
        is_cut = error.code in (expat.errors.codes[one] for one in _UNFINISHED)
        rule, what = ("cut_off", "the file ends within") if is_cut else ("not_xml", "not XML:")
        damage = DamagedError(rule, f"{what} {expat.ErrorString(error.code)}")
    if not handler.is_known:
        said = damage.reason if damage else "it has no element of the format"
        raise RefusedFile("unknown_content", said)
    handler.close()
    yield from handler.items
    if damage:
        rest = chunk[max(0, parser.CurrentByteIndex - fed) :]
        place = handler.count + 1, parser.CurrentLineNumber
        yield BrokenRecord(*place, damage.rule, damage.reason, rest)


_UNFINISHED: Final = (
    expat.errors.XML_ERROR_NO_ELEMENTS,
    expat.errors.XML_ERROR_UNCLOSED_TOKEN,
    expat.errors.XML_ERROR_PARTIAL_CHAR,
    expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION,
)


def _attach(parser: expat.XMLParserType, handler: ElementHandler) -> None:
    parser.buffer_text = True
    parser.buffer_size = _CHUNK
    texts: list[str] = []
    lengths = [0, 0]

    def start(name: str, attributes: dict[str, str]) -> None:
        lengths[0] += 1
        if lengths[0] > DEEPEST:
            raise DamagedError("too_deep", f"more than {DEEPEST} elements in each other")
        texts.clear()
        lengths[1] = 0
        handler.start(name.rpartition(":")[2], attributes, parser.CurrentLineNumber)

    def end(name: str) -> None:
        lengths[0] -= 1
        handler.end(name.rpartition(":")[2], "".join(texts))
        texts.clear()
        lengths[1] = 0

    def text(data: str) -> None:
        lengths[1] += len(data)
        if lengths[1] > LONGEST_TEXT:
            raise DamagedError("too_long", f"a text is longer than {LONGEST_TEXT} characters")
        texts.append(data)

    def entity(*_declared: object) -> None:
        raise DamagedError("entity", "the file declares entities of its own")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.EntityDeclHandler = entity


def _inflated(path: Path) -> Iterator[bytes]:
    """Yield a file's bytes in small parts, inflated where it is gzipped."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        is_gzip = stream.read(len(_GZIP)) == _GZIP
        stream.seek(0)
        if not is_gzip:
            while chunk := stream.read(_CHUNK):
                yield chunk
            return
        most = max(ALWAYS_INFLATED, LARGEST_RATIO * size)
        inflated = 0
        member = zlib.decompressobj(zlib.MAX_WBITS | 16)
        data = b""
        while data := data or stream.read(_CHUNK):
            try:
                chunk = member.decompress(data, _CHUNK)
            except zlib.error as error:
                raise DamagedError("bad_gzip", f"gzip: {error}") from error
            inflated += len(chunk)
            if inflated > most:
                raise DamagedError("gzip_bomb", f"{size} bytes of gzip hold more than {most}")
            if chunk:
                yield chunk
            data = member.unconsumed_tail
            if member.eof:
                data = member.unused_data
                if data.strip(b"\0"):
                    member = zlib.decompressobj(zlib.MAX_WBITS | 16)
                else:
                    data = b""
        if not member.eof:
            raise DamagedError("cut_off", "the gzip ends before its end")
