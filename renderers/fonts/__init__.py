"""The two fonts of every document, and which characters they can draw.

DejaVu Sans Condensed covers Latin, Greek and Cyrillic; the licence lies beside the files.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfbase.ttfonts import TTFontFile
from svglib.fonts import register_font

FOLDER = Path(__file__).parent
FAMILY = "DejaVu Sans Condensed"
REGULAR = FAMILY
BOLD = f"{FAMILY}-Bold"
MM = 72 / 25.4
FILES = {"normal": "DejaVuSansCondensed.ttf", "bold": "DejaVuSansCondensed-Bold.ttf"}


@cache
def register() -> None:
    """Register both weights with reportlab and svglib, once per process.

    Without it svglib would look for a font on the machine, and the document would depend on it.
    """
    for weight, name in FILES.items():
        register_font(FAMILY, str(FOLDER / name), weight=weight)


@cache
def drawable() -> frozenset[str]:
    """Return the characters that both weights can draw, and the breaks that need no glyph."""
    glyphs = [set(TTFontFile(str(FOLDER / name)).charToGlyph) for name in FILES.values()]
    return frozenset(chr(code) for code in set.intersection(*glyphs)) | frozenset("\n\t")


def wrap(text: str, width: float, size: float, font: str = REGULAR) -> tuple[str, ...]:
    """Return the text in lines of at most `width` points, broken at a space where there is one."""
    register()
    lines = []
    while stringWidth(text, font, size) > width and len(text) > 1:
        end = len(text) - 1
        while end > 1 and stringWidth(text[:end], font, size) > width:
            end -= 1
        space = text.rfind(" ", 1, end + 1)
        cut = space if space > 0 else end
        lines.append(text[:cut])
        text = text[cut:].lstrip(" ")
    return (*lines, text)
