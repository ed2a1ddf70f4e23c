"""An invoice as PDF, by xhtml2pdf, with nothing reachable but the two fonts of this package.

`render_pdf` is a pure function of the invoice: equal invoices give equal bytes in any process. It
can be pickled for a process pool; xhtml2pdf renders one document at a time per process, so threads
do not help.

The itemisation sets several records into one table row, one line each, because xhtml2pdf spends
its time per cell and not per line. A record whose text may wrap stands in a row of its own, so the
lines of a block always stay side by side.
"""

from __future__ import annotations

import base64
import io
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from markupsafe import Markup
from reportlab.pdfbase.ttfonts import TTFont
from svglib.fonts import register_font
from xhtml2pdf import pisa
from xhtml2pdf.config.resources import ResourceAccessPolicy

from renderers import epc_qr, templating
from renderers.charts import letter_mark
from renderers.invoice import Invoice, RenderError, check_invoice
from renderers.palette import FONT
from renderers.view import invoice_view

FONTS = Path(__file__).parent / "fonts"
FONT_FILES = {"normal": "DejaVuSansCondensed.ttf", "bold": "DejaVuSansCondensed-Bold.ttf"}
ITEMISED_SIZE = 6.8
ITEMISED_BLOCK = 5
POINTS_PER_MM = 72 / 25.4
CHART_MM = (80, 32)


@dataclass(frozen=True)
class Column:
    """A column of the itemisation: key of its heading, width in millimetres, alignment."""

    key: str
    width: int
    is_number: bool = False


COLUMNS = (
    Column("time", 29),
    Column("service", 14),
    Column("other_number", 31),
    Column("destination", 40),
    Column("band", 20),
    Column("quantity", 18, is_number=True),
    Column("amount", 18, is_number=True),
)


def render_pdf(invoice: Invoice) -> bytes:
    """Return the document as PDF. Raises `RenderError`, naming the document, rather than guess.

    Refused are figures that do not add up, a character no font can draw, anything xhtml2pdf warns
    of, and every error inside it: one bad document must never stop or spoil another.
    """
    check_invoice(invoice)
    markup = templating.render("print.html.j2", _print_values(invoice))
    check_glyphs(invoice.number, markup)
    _register_svg_fonts()
    out = io.BytesIO()
    with _source_date(invoice.issue_date), _warnings_are_errors(invoice.number):
        try:
            pisa.CreatePDF(
                markup,
                dest=out,
                encoding="utf-8",
                path=str(FONTS / "document.html"),
                resource_policy=resource_policy(),
            )
        except Exception as error:
            raise RenderError(f"document {invoice.number}: {error}") from error
    return out.getvalue()


def resource_policy() -> ResourceAccessPolicy:
    """Return what a document may read: files in the font folder, `data:` and nothing remote."""
    return ResourceAccessPolicy.server(
        FONTS, allow_remote=False, max_render_seconds=600, max_document_bytes=64 * 2**20
    )


def check_glyphs(number: str, text: str) -> None:
    """Raise `RenderError` for the first character that the fonts cannot draw."""
    drawable = _drawable()
    for character in sorted(set(text) - drawable):
        raise RenderError(
            f"document {number}: no glyph for {character!r} (U+{ord(character):04X}) in {FONT}"
        )


def _print_values(invoice: Invoice) -> dict[str, Any]:
    view = invoice_view(invoice)
    columns = [
        {"label": view["t"][column.key], "width": column.width, "is_number": column.is_number}
        for column in COLUMNS
    ]
    sections = [
        {**section, "blocks": itemised_blocks(section["itemised"])} for section in view["sections"]
    ]
    qr_text = view["qr_text"]
    return {
        **view,
        "sections": sections,
        "columns": columns,
        "mark": _svg_uri(letter_mark()),
        "qr": _png_uri(qr_text) if qr_text else "",
        "chart": _svg_uri(view["chart"]) if view["chart"] else "",
        "chart_height": f"{CHART_MM[1]}mm",
    }


def itemised_blocks(records: list[tuple[str, ...]]) -> list[list[Markup]]:
    """Return table rows of up to `ITEMISED_BLOCK` records: per column the escaped lines."""
    blocks: list[list[tuple[str, ...]]] = []
    is_open = False
    for record in records:
        fits = all(_fits(cell, column.width) for cell, column in zip(record, COLUMNS, strict=True))
        if fits and is_open and len(blocks[-1]) < ITEMISED_BLOCK:
            blocks[-1].append(record)
        else:
            blocks.append([record])
        is_open = fits
    line_break = Markup("<br/>")
    return [
        [line_break.join(cells) for cells in zip(*block, strict=True)] for block in blocks
    ]


@cache
def _font(weight: str) -> TTFont:
    return TTFont(f"{FONT} {weight}", str(FONTS / FONT_FILES[weight]))


@cache
def _drawable() -> frozenset[str]:
    """Return the characters that both weights can draw, and the white space that needs no glyph."""
    glyphs = [set(_font(weight).face.charToGlyph) for weight in FONT_FILES]
    return frozenset(chr(code) for code in set.intersection(*glyphs)) | frozenset("\n\t")


@cache
def _register_svg_fonts() -> None:
    """Let the text of SVG pictures use our fonts: svglib would look for them on the machine."""
    for weight, name in FONT_FILES.items():
        register_font(FONT, str(FONTS / name), weight=weight)


@cache
def _fits(text: str, width: int) -> bool:
    """Return whether the text stays on one line of an itemised column, with a gap behind it."""
    room = (width - 2) * POINTS_PER_MM
    return bool(_font("normal").stringWidth(text, ITEMISED_SIZE) <= room)


def _svg_uri(svg: str) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


def _png_uri(text: str) -> str:
    return epc_qr.symbol(text).png_data_uri(scale=8, border=0)


_SOURCE_DATE_LOCK = threading.Lock()


@contextmanager
def _source_date(issue_date: date) -> Iterator[None]:
    """Date the file by the issue date. The variable belongs to the process, hence the lock."""
    name = "SOURCE_DATE_EPOCH"
    noon = datetime(issue_date.year, issue_date.month, issue_date.day, 12, tzinfo=UTC)
    with _SOURCE_DATE_LOCK:
        before = os.environ.get(name)
        os.environ[name] = str(int(noon.timestamp()))
        try:
            yield
        finally:
            if before is None:
                del os.environ[name]
            else:
                os.environ[name] = before


class _Collector(logging.Handler):
    """Keeps the warnings of the renderer instead of printing them."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@contextmanager
def _warnings_are_errors(number: str) -> Iterator[None]:
    """Raise `RenderError` when xhtml2pdf or svglib warned of anything inside the block."""
    collector = _Collector()
    loggers = [logging.getLogger(name) for name in ("xhtml2pdf", "svglib")]
    before = [(logger.propagate, logger.level) for logger in loggers]
    for logger in loggers:
        logger.addHandler(collector)
        logger.propagate = False
        logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        for logger, (propagate, level) in zip(loggers, before, strict=True):
            logger.removeHandler(collector)
            logger.propagate = propagate
            logger.setLevel(level)
    if collector.messages:
        raise RenderError(f"document {number}: {collector.messages[0]}")
