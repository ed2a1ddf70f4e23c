"""Reads the regular expressions of number plans as tries: which digits can come next.

The patterns of `phonenumbers` use a small part of the language (digits, classes, groups,
alternatives, counts). An expression is a tree; `derive` takes one digit off its front.
Contract: `derive(parse(p), d)` matches exactly what is left of the matches of `p` that begin
with `d`; `NOTHING` matches nothing, so a prefix is possible while its derivative is not `NOTHING`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

_PIECE = re.compile(r"\\d|\[[^]]+\]|\{\d+(?:,\d+)?\}|\(\?:|[()|?]|\d")
DIGITS = "0123456789"


@dataclass(frozen=True)
class Digits:
    """One digit out of a set."""

    allowed: frozenset[str]


@dataclass(frozen=True)
class Sequence:
    """One expression after the other; without parts it matches the empty text."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True)
class Choice:
    """Any one of several expressions; without options it matches nothing."""

    options: frozenset[Expression]


@dataclass(frozen=True)
class Repeat:
    """An expression `least` to `most` times."""

    body: Expression
    least: int
    most: int


Expression = Digits | Sequence | Choice | Repeat

EMPTY = Sequence(())
NOTHING = Choice(frozenset())


def parse(pattern: str) -> Expression:
    """Return the tree of one pattern; `ValueError` names what the small language does not know."""
    pieces = _PIECE.findall(pattern)
    if "".join(pieces) != pattern:
        raise ValueError(f"number pattern {pattern!r}: a part of it is not understood")
    expression, rest = _parse_choice(pieces)
    if rest:
        raise ValueError(f"number pattern {pattern!r}: unbalanced at {rest[0]!r}")
    return expression


def _parse_choice(pieces: list[str]) -> tuple[Expression, list[str]]:
    options: set[Expression] = set()
    parts: list[Expression] = []
    while pieces and pieces[0] != ")":
        piece, *pieces = pieces
        if piece == "|":
            options.add(_join(parts))
            parts = []
        elif piece in ("(", "(?:"):
            body, rest = _parse_choice(pieces)
            parts.append(body)
            pieces = rest[1:]
        elif piece == "?" or piece[0] == "{":
            parts.append(_parse_count(parts.pop(), piece))
        else:
            parts.append(Digits(_parse_digits(piece)))
    return _either(options | {_join(parts)}), pieces


def _parse_count(body: Expression, piece: str) -> Expression:
    bounds = [0, 1] if piece == "?" else [int(bound) for bound in piece[1:-1].split(",")]
    return _repeat(body, bounds[0], bounds[-1])


def _parse_digits(piece: str) -> frozenset[str]:
    if piece == r"\d":
        return frozenset(DIGITS)
    inside = piece.strip("[]")
    ranges = re.sub(r"(\d)-(\d)", lambda hit: DIGITS[int(hit[1]) : int(hit[2]) + 1], inside)
    return frozenset(ranges.replace(r"\d", DIGITS))


def _join(parts: list[Expression]) -> Expression:
    if NOTHING in parts:
        return NOTHING
    flat: list[Expression] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, Sequence) else [part])
    return flat[0] if len(flat) == 1 else Sequence(tuple(flat))


def _either(options: set[Expression]) -> Expression:
    flat: set[Expression] = set()
    for option in options:
        flat |= option.options if isinstance(option, Choice) else {option}
    return next(iter(flat)) if len(flat) == 1 else Choice(frozenset(flat))


def _repeat(body: Expression, least: int, most: int) -> Expression:
    if most == 0:
        return EMPTY
    return body if (least, most) == (1, 1) else Repeat(body, least, most)


@cache
def is_complete(expression: Expression) -> bool:
    """Tell whether the expression matches the empty text: the digits so far may end here."""
    match expression:
        case Digits():
            return False
        case Sequence(parts):
            return all(map(is_complete, parts))
        case Choice(options):
            return any(map(is_complete, options))
        case Repeat(body, least, _):
            return least == 0 or is_complete(body)


@cache
def derive(expression: Expression, digit: str) -> Expression:
    """Return the expression for what may follow after `digit`."""
    match expression:
        case Digits(allowed):
            return EMPTY if digit in allowed else NOTHING
        case Choice(options):
            return _either({derive(option, digit) for option in options})
        case Repeat(body, least, most):
            return _join([derive(body, digit), _repeat(body, max(least - 1, 0), most - 1)])
        case Sequence(parts):
            return _derive_sequence(parts, digit)


def _derive_sequence(parts: tuple[Expression, ...], digit: str) -> Expression:
    options: set[Expression] = set()
    for position, part in enumerate(parts):
        options.add(_join([derive(part, digit), *parts[position + 1 :]]))
        if not is_complete(part):
            break
    return _either(options)
