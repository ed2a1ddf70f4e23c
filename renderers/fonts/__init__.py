"""The two fonts of every document, and which characters they can draw.

DejaVu Sans Condensed covers Latin, Greek and Cyrillic; the licence lies beside the files.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from reportlab.pdfbase.ttfonts import TTFontFile
from svglib.fonts import register_font

FOLDER = Path(__file__).parent
FAMILY = "DejaVu Sans Condensed"
REGULAR = FAMILY
BOLD = f"{FAMILY}-Bold"
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
