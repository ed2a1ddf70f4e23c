"""Bar charts as plain SVG text, drawn from `Decimal` without a library.

Every chart carries a title and a description for screen readers, all text in it is escaped, and
colours come from the palette alone. The font is the one the PDF embeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from markupsafe import Markup, escape

from renderers.palette import ACCENT, ACCENT_SOFT, INK, MUTED, RULE

# The family that the PDF embeds; a browser falls back to what it has.
FONT = "DejaVu Sans Condensed, sans-serif"

MAX_LABEL = 20
_MARK_BARS = ((10, 8), (18, 14), (26, 21))


@dataclass(frozen=True)
class Bar:
    """One bar: what stands under it, what stands at its end, how long it is."""

    label: str
    value: Decimal
    text: str
    is_highlighted: bool = False


def column_chart(
    bars: Sequence[Bar], *, title: str, description: str, width: int = 300, height: int = 110
) -> Markup:
    """Return upright bars over a base line, negative ones below it; no bars give an empty chart."""
    top = max([bar.value for bar in bars] + [Decimal(0)])
    bottom = min([bar.value for bar in bars] + [Decimal(0)])
    room = Decimal(height - 34 - (12 if bottom < 0 else 0))
    scale = room / (top - bottom) if top > bottom else Decimal(0)
    base = Decimal(14) + top * scale
    step = Decimal(width) / max(len(bars), 1)
    thick = min(step * Decimal("0.62"), Decimal(46))
    parts = [_line(0, base, width, base, RULE)]
    for index, bar in enumerate(bars):
        middle = step * index + step / 2
        length = abs(bar.value * scale)
        y = base - length if bar.value >= 0 else base
        colour = ACCENT if bar.is_highlighted else ACCENT_SOFT
        text_y = y - 4 if bar.value >= 0 else y + length + 9
        parts.append(_rect(middle - thick / 2, y, thick, length, colour))
        parts.append(_text(middle, text_y, bar.text, "middle", strong=bar.is_highlighted))
        parts.append(_text(middle, height - 5, bar.label, "middle", muted=not bar.is_highlighted))
    return _svg(parts, width, height, title, description)


def row_chart(
    bars: Sequence[Bar], *, title: str, description: str, width: int = 480, label_width: int = 120
) -> Markup:
    """Return lying bars, one row each with its label before and its text behind it.

    A long label is shortened: the table beside the chart holds it whole.
    """
    row, text_width = 27, 92
    room = Decimal(width - label_width - text_width)
    longest = max([abs(bar.value) for bar in bars] + [Decimal(0)])
    parts = []
    for index, bar in enumerate(bars):
        y = Decimal(index * row)
        length = abs(bar.value) / longest * room if longest else Decimal(0)
        colour = ACCENT if bar.value >= 0 else ACCENT_SOFT
        parts.append(_text(label_width - 10, y + 17, _shortened(bar.label), "end", size=11))
        parts.append(_rect(Decimal(label_width), y + 4, max(length, Decimal(1)), 18, colour))
        parts.append(
            _text(label_width + length + 8, y + 17, bar.text, "start", size=11, strong=True)
        )
    return _svg(parts, width, max(len(bars), 1) * row, title, description)


def _shortened(label: str) -> str:
    return label if len(label) <= MAX_LABEL else f"{label[: MAX_LABEL - 1]}\N{HORIZONTAL ELLIPSIS}"


def _rect(
    x: Decimal | int, y: Decimal | int, width: Decimal | int, height: Decimal | int, colour: str
) -> Markup:
    return Markup('<rect x="{}" y="{}" width="{}" height="{}" fill="{}"/>').format(
        *(f"{Decimal(value):.2f}" for value in (x, y, width, height)), colour
    )


def _line(
    x1: Decimal | int, y1: Decimal | int, x2: Decimal | int, y2: Decimal | int, colour: str
) -> Markup:
    return Markup('<line x1="{}" y1="{}" x2="{}" y2="{}" stroke="{}" stroke-width="0.8"/>').format(
        *(f"{Decimal(value):.2f}" for value in (x1, y1, x2, y2)), colour
    )


def _text(
    x: Decimal | int,
    y: Decimal | int,
    text: str,
    anchor: str,
    *,
    size: int = 8,
    strong: bool = False,
    muted: bool = False,
) -> Markup:
    return Markup(
        '<text x="{}" y="{}" text-anchor="{}" font-size="{}" font-weight="{}" fill="{}">{}</text>'
    ).format(
        f"{Decimal(x):.2f}",
        f"{Decimal(y):.2f}",
        anchor,
        size,
        "bold" if strong else "normal",
        MUTED if muted else INK,
        text,
    )


def _svg(parts: Sequence[Markup], width: int, height: int, title: str, description: str) -> Markup:
    head = Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{w}" height="{h}" '
        'viewBox="0 0 {w} {h}" font-family="{font}"><title>{title}</title><desc>{desc}</desc>'
    ).format(w=width, h=height, font=FONT, title=escape(title), desc=escape(description))
    return head + Markup("").join(parts) + Markup("</svg>")


def letter_mark() -> Markup:
    """Return the mark of the letterhead: three rising bars on the accent colour."""
    parts = [Markup('<rect x="0" y="0" width="40" height="40" rx="8" fill="{}"/>').format(ACCENT)]
    parts += [_rect(x, 31 - height, 5, height, "#ffffff") for x, height in _MARK_BARS]
    head = Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" aria-hidden="true" '
        'width="40" height="40" viewBox="0 0 40 40">'
    )
    return head + Markup("").join(parts) + Markup("</svg>")
