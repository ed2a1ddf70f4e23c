"""Reading BER without a schema: what a dictionary names is decoded, all else is kept as octets.

The encoding is that of ITU-T X.690, section 8: identifier octets (8.1.2), definite and indefinite
length (8.1.3), end of contents (8.1.5). Nothing here knows a record type; `Tags` says which path
of tags is which field. Bounds: tags of at most four octets, nesting of at most `DEEPEST` levels,
and no length beyond the octets at hand, so that no input costs more than its own size.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

DEEPEST: Final = 32
_SHAPES: Final = 1_024
_SHAPES_PER_KEY: Final = 32
_LONGEST_TAG = 4
_LONGEST_LENGTH = 8
_CLASSES = {"u": 0x00, "a": 0x40, "c": 0x80, "p": 0xC0}
_CONSTRUCTED = 0x20
_MULTIPLE = 0x1F
_INDEFINITE = 0x80

Codec = Callable[[bytes], str]


class BerError(ValueError):
    """Octets that are no BER: the rule that they break and the position among the octets at hand.

    Rules: `cut_off` (the octets end inside an element), `length_beyond_end` (an element is longer
    than what holds it), `bad_tag`, `bad_length`, `too_deep`, `no_end_of_contents`.
    """

    def __init__(self, rule: str, reason: str, position: int) -> None:
        super().__init__(reason)
        self.rule = rule
        self.reason = reason
        self.position = position


# An element: its identifier octets as a number, the constructed bit included; where its contents
# begin and end; and where the next one begins, two octets further if the length is indefinite.
Element = tuple[int, int, int, int]


def identifier_of(step: str) -> int:
    """Return a primitive identifier of one step of a path: `34`, or with a class `u16`, `a108`.

    Without a letter the class is context-specific. Raises `ValueError` on anything else.
    """
    class_bits = _CLASSES.get(step[:1])
    digits = step if class_bits is None else step[1:]
    if not digits.isascii() or not digits.isdecimal() or len(digits) > 6:
        raise ValueError(f"{step!r} is not a tag like 34, u16 or a108")
    number = int(digits)
    first = 0x80 if class_bits is None else class_bits
    if number < _MULTIPLE:
        return first | number
    groups = [number & 0x7F]
    while number := number >> 7:
        groups.append(number & 0x7F | 0x80)
    return int.from_bytes(bytes([first | _MULTIPLE, *reversed(groups)]), "big")


def as_constructed(identifier: int) -> int:
    """Return the identifier of the same tag in constructed encoding."""
    octets = bytearray(_octets(identifier))
    octets[0] |= _CONSTRUCTED
    return int.from_bytes(octets, "big")


def name_of(identifier: int) -> str:
    """Return the step of a path that `identifier_of` reads, whatever the encoding."""
    octets = _octets(identifier)
    number = octets[0] & _MULTIPLE
    if len(octets) > 1:
        number = 0
        for octet in octets[1:]:
            number = number << 7 | octet & 0x7F
    letter = {0x00: "u", 0x40: "a", 0x80: "", 0xC0: "p"}[octets[0] & 0xC0]
    return f"{letter}{number}"


def is_constructed(identifier: int) -> bool:
    """Return whether an element of this identifier holds others."""
    return bool(_first_octet(identifier) & _CONSTRUCTED)


def _octets(identifier: int) -> bytes:
    return identifier.to_bytes(max(1, (identifier.bit_length() + 7) // 8), "big")


def _first_octet(identifier: int) -> int:
    return _octets(identifier)[0]


def make_tags(paths: Iterable[tuple[str, str, Codec]]) -> Tags:
    """Return the dictionary of a record type from (path, field, codec).

    A path is steps joined by dots. Raises `ValueError` on a path that is twice there, or that is
    both a value and the way to another.
    """
    root = Tags()
    for path, name, codec in paths:
        *way, last = path.split(".")
        level = _level(root, way)
        identifier = identifier_of(last)
        if identifier in level.values or as_constructed(identifier) in level.levels:
            raise ValueError(f"{path} stands twice")
        level.values[identifier] = (name, codec)
    return root


def _level(root: Tags, way: Iterable[str]) -> Tags:
    level = root
    for step in way:
        identifier = identifier_of(step)
        if identifier in level.values:
            raise ValueError(f"{step} is a value and a way to others")
        level = level.levels.setdefault(as_constructed(identifier), Tags())
    return level


def read_header(data: bytes, position: int, end: int) -> tuple[int, int, int | None]:
    """Return an element's identifier, where its contents begin, and how long they are.

    The length is `None` if it is indefinite. The contents need not be at hand. Raises `BerError`.
    """
    start = position
    try:
        identifier = octet = data[position]
        position += 1
        if octet & _MULTIPLE == _MULTIPLE:
            octet = _INDEFINITE
            while octet & 0x80:
                octet = data[position]
                position += 1
                identifier = identifier << 8 | octet
                if position - start > _LONGEST_TAG:
                    raise BerError("bad_tag", f"a tag of over {_LONGEST_TAG} octets", start)
        length = data[position]
        position += 1
    except IndexError:
        raise BerError("cut_off", "the octets end inside an element", start) from None
    if length == _INDEFINITE:
        if not _first_octet(identifier) & _CONSTRUCTED:
            raise BerError("bad_length", "a primitive of indefinite length", start)
    elif length > _INDEFINITE:
        count = length & 0x7F
        if count > _LONGEST_LENGTH:
            raise BerError("bad_length", f"a length of {count} octets", start)
        length = int.from_bytes(data[position : position + count], "big")
        position += count
        if position <= end:
            return identifier, position, length
    if position > end:
        raise BerError("cut_off", "the octets end inside an element", start)
    return identifier, position, None if length == _INDEFINITE else length


def read_element(data: bytes, position: int, end: int, depth: int = 0) -> Element:
    """Return the element that begins at `position`; its contents are not looked into.

    Only an indefinite length is followed to its end. Raises `BerError`.
    """
    try:
        octet = data[position]
        size = data[position + 1]
    except IndexError:
        raise BerError("cut_off", "the octets end inside an element", position) from None
    if size < _INDEFINITE and octet & _MULTIPLE != _MULTIPLE:
        begin = position + 2
        stop = begin + size
        if stop <= end:
            return octet, begin, stop, stop
    identifier, begin, length = read_header(data, position, end)
    if length is None:
        stop = _end_of_contents(data, begin, end, depth + 1)
        return identifier, begin, stop, stop + 2
    if begin + length > end:
        reason = f"an element of {length} octets where {end - begin} are left"
        raise BerError("length_beyond_end", reason, position)
    return identifier, begin, begin + length, begin + length


def _end_of_contents(data: bytes, position: int, end: int, depth: int) -> int:
    """Return where the end-of-contents octets of an indefinite length begin."""
    if depth > DEEPEST:
        raise BerError("too_deep", f"more than {DEEPEST} levels", position)
    start = position
    while position + 2 <= end:
        if data[position] == 0 and data[position + 1] == 0:
            return position
        position = read_element(data, position, end, depth)[3]
    raise BerError("no_end_of_contents", "an indefinite length without its end", start)


class Leaf(NamedTuple):
    """A value found in the octets: its field and codec, or its path and none; where it lies.

    Without a name nobody asks for it.
    """

    name: str
    codec: Codec | None
    begin: int
    stop: int


@dataclass
class Found:
    """What a walk over one level found, the levels within included.

    `joined` are values that came in segments: their octets lie in no one place. `is_plain` says
    that the tags and lengths seen decide alone where every leaf lies, whatever the leaves hold.
    What is unknown is left without a name unless it `keeps_unknown`.
    """

    keeps_unknown: bool = True

    leaves: list[Leaf] = field(default_factory=list)
    joined: list[tuple[str, Codec, bytes]] = field(default_factory=list)
    is_plain: bool = True


def walk(
    data: bytes, position: int, end: int, tags: Tags, found: Found, path: str = "", depth: int = 0
) -> None:
    """Find every value from `position` to `end`, by a dictionary. Raises `BerError`.

    What the dictionary does not name is a leaf without a codec, under the path of its tags.
    """
    if depth > DEEPEST:
        raise BerError("too_deep", f"more than {DEEPEST} levels", position)
    while position < end:
        identifier, begin, stop, following = read_element(data, position, end, depth)
        named = tags.values.get(identifier)
        level = tags.levels.get(identifier)
        if named is not None:
            found.leaves.append(Leaf(named[0], named[1], begin, stop))
        elif level is not None:
            step = f"{path}{name_of(identifier)}."
            walk(data, begin, stop, level, found, step, depth + 1)
        else:
            octets = bytearray(_octets(identifier))
            octets[0] &= ~_CONSTRUCTED & 0xFF
            in_segments = tags.values.get(int.from_bytes(octets, "big"))
            if in_segments is not None and is_constructed(identifier):
                content = _joined(data, begin, stop, depth + 1)
                found.joined.append((*in_segments, content))
                found.is_plain = False
            else:
                name = f"{path}{name_of(identifier)}" if found.keeps_unknown else ""
                found.leaves.append(Leaf(name, None, begin, stop))
                # The end of an indefinite length is found by looking into it.
                found.is_plain = found.is_plain and following == stop
        position = following


def put_values(data: bytes, found: Found, values: dict[str, str], unknown: list[str]) -> None:
    """Add what a walk found to `values`, and what nobody names to `unknown`, as `path=hex`.

    A field that repeats has its values in order, joined by a comma.
    """
    for name, codec, begin, stop in found.leaves:
        if not name:
            continue
        if codec is None:
            unknown.append(f"{name}={data[begin:stop].hex()}")
        else:
            _put(values, name, codec, data[begin:stop])
    for name, codec, content in found.joined:
        if name:
            _put(values, name, codec, content)


def _put(values: dict[str, str], name: str, codec: Codec, content: bytes) -> None:
    try:
        value = codec(content)
    except ValueError:
        # It stands as its octets, so that whoever needs it can refuse it by name.
        value = f"0x{content.hex()}"
    values[name] = f"{values[name]},{value}" if name in values else value


@dataclass(frozen=True)
class Shape:
    """Where the values lie in octets that have given tags and lengths in given places.

    `mask` covers those places, `expected` is what stands there: whatever matches would be walked
    alike, so its values can be cut out at once. `size` is in octets.
    """

    size: int
    mask: int
    expected: int
    cut: Callable[[bytes, int], tuple[bytes, ...]]
    names: tuple[str, ...]
    codecs: tuple[Codec | None, ...]
    is_simple: bool

    def read(self, data: bytes, position: int) -> dict[str, str] | None:
        """Return the values by field; nothing where that takes more than one look at each."""
        if not self.is_simple:
            return None
        try:
            read = [
                codec(one)  # type: ignore[misc]
                for codec, one in zip(self.codecs, self.cut(data, position), strict=True)
            ]
        except ValueError:
            return None
        return dict(zip(self.names, read, strict=True))

    def put(self, data: bytes, position: int, values: dict[str, str], unknown: list[str]) -> None:
        """Add the values to `values`, as `put_values` does."""
        if not self.names:
            return
        contents = self.cut(data, position)
        for name, codec, content in zip(self.names, self.codecs, contents, strict=True):
            if codec is None:
                unknown.append(f"{name}={content.hex()}")
            else:
                _put(values, name, codec, content)


def shape_of(data: bytes, start: int, end: int, found: Found) -> Shape | None:
    """Return the shape of the octets that were walked; none if it is not all that decides."""
    if not found.is_plain or not found.leaves:
        return None
    mask, layout, at = bytearray(), "", start
    for leaf in found.leaves:
        size = leaf.stop - leaf.begin
        mask += b"\xff" * (leaf.begin - at) + b"\0" * size
        layout += f"{leaf.begin - at}x{size}{'s' if leaf.name else 'x'}"
        at = leaf.stop
    mask += b"\xff" * (end - at)
    number = int.from_bytes(mask, "big")
    asked = [leaf for leaf in found.leaves if leaf.name]
    names = tuple(leaf.name for leaf in asked)
    return Shape(
        size=end - start,
        mask=number,
        expected=int.from_bytes(data[start:end], "big") & number,
        cut=struct.Struct(f">{layout}").unpack_from,
        names=names,
        codecs=tuple(leaf.codec for leaf in asked),
        is_simple=len(set(names)) == len(names) and all(leaf.codec for leaf in asked),
    )


class Shapes:
    """The shapes seen at one place of a record, by a key, the one seen last first.

    What is kept is bounded; octets of no kept shape are walked.
    """

    def __init__(self) -> None:
        self._kept: dict[int, list[Shape]] = {}
        self._count = 0

    def match(self, key: int, data: bytes, position: int, end: int) -> Shape | None:
        """Return a shape that the octets at `position` have."""
        kept = self._kept.get(key, ())
        for index, shape in enumerate(kept):
            stop = position + shape.size
            if stop <= end and (
                int.from_bytes(data[position:stop], "big") & shape.mask == shape.expected
            ):
                if index:
                    self._kept[key].insert(0, self._kept[key].pop(index))
                return shape
        return None

    def keep(self, key: int, shape: Shape | None) -> None:
        """Keep a shape, if there is room."""
        kept = self._kept.setdefault(key, [])
        if shape is not None and len(kept) < _SHAPES_PER_KEY and self._count < _SHAPES:
            kept.insert(0, shape)
            self._count += 1


def _joined(data: bytes, position: int, end: int, depth: int) -> bytes:
    """Return the contents of a string's segments, one after the other."""
    if depth > DEEPEST:
        raise BerError("too_deep", f"more than {DEEPEST} levels", position)
    pieces = []
    while position < end:
        identifier, begin, stop, following = read_element(data, position, end, depth)
        if is_constructed(identifier):
            pieces.append(_joined(data, begin, stop, depth + 1))
        else:
            pieces.append(data[begin:stop])
        position = following
    return b"".join(pieces)


@dataclass
class Tags:
    """A dictionary of one level: an identifier is a field with its codec, or a level down.

    `shapes` are those seen of this level so far.
    """

    values: dict[int, tuple[str, Codec]] = field(default_factory=dict)
    levels: dict[int, Tags] = field(default_factory=dict)
    shapes: Shapes = field(default_factory=Shapes)


def codec_by_name(codecs: Mapping[str, Codec], name: str) -> Codec:
    """Return a codec; raises `ValueError` if there is none of that name."""
    if name not in codecs:
        raise ValueError(f"{name!r} is no codec: {', '.join(sorted(codecs))}")
    return codecs[name]
