"""Going through a file that is one element of BER, level by level, in bounded memory."""

from __future__ import annotations

from typing import BinaryIO, Final

from orchestration.collect.readers.ber import BerError, read_element, read_header

LONGEST_ELEMENT: Final = 1 << 20
LONGEST_HEADER: Final = 16
KEPT: Final = 1 << 16
_CHUNK: Final = 1 << 20


class Window:
    """The octets of a file from where reading stands."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.data = b""
        self.at = 0
        self.base = 0

    @property
    def position(self) -> int:
        return self.base + self.at

    def fill(self, size: int) -> int:
        """Have `size` octets at hand, if the file still has them; return how many there are."""
        left = len(self.data) - self.at
        if left >= size:
            return left
        pieces = [self.data[self.at :]]
        self.base += self.at
        self.at = 0
        while left < size and (more := self._stream.read(max(_CHUNK, size - left))):
            pieces.append(more)
            left += len(more)
        self.data = b"".join(pieces)
        return left

    def skip(self, size: int) -> None:
        self.at += size


def rest_of(window: Window) -> bytes:
    """Return the next octets of the file, as many as are kept of what is broken."""
    window.fill(KEPT)
    return window.data[window.at : window.at + KEPT]


def is_over(window: Window, end: int | None) -> bool:
    """Return whether a level's contents are: at its end, or at its end-of-contents octets."""
    if end is not None:
        if window.position > end:
            raise BerError("length_beyond_end", "an element reaches beyond what holds it", 0)
        return window.position == end
    window.fill(2)
    return window.data[window.at : window.at + 2] == b"\0\0"


def next_header(window: Window) -> tuple[int, int, int | None]:
    window.fill(LONGEST_HEADER)
    identifier, start, length = read_header(window.data, window.at, len(window.data))
    return identifier, start - window.at, length


def have_whole(window: Window) -> int:
    """Have the next element at hand whole; return its size."""
    _, start, length = next_header(window)
    if length is not None and start + length > LONGEST_ELEMENT:
        reason = f"an element of {length} octets, more than {LONGEST_ELEMENT}"
        raise BerError("length_beyond_end", reason, 0)
    window.fill(LONGEST_ELEMENT if length is None else start + length)
    end = min(len(window.data), window.at + LONGEST_ELEMENT)
    return read_element(window.data, window.at, end)[3] - window.at
