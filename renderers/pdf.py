"""An invoice as PDF: the letter by xhtml2pdf, the itemised calls by `renderers.itemisation`.

`render_pdf` is a pure function of the invoice: equal invoices give equal bytes in any process. It
can be pickled for a process pool; xhtml2pdf renders one document at a time per process, so threads
do not help. Nothing is reachable from a document but the two fonts of this package.
"""

from __future__ import annotations

import base64
import io
import logging
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

from markupsafe import Markup
from pypdf import PdfReader, PdfWriter
from xhtml2pdf import pisa
from xhtml2pdf.config.resources import ResourceAccessPolicy

from renderers import epc_qr, fonts, itemisation, templating
from renderers.charts import letter_mark
from renderers.invoice import Invoice, RenderError, check_invoice
from renderers.view import invoice_view

# The letter of nearly every account: one page with the slip, one with the charges.
USUAL_LETTER_PAGES = 2
LAYOUT_ATTEMPTS = 3
# The window of a C5/6 envelope (DIN 5008), below the return line, and type sizes that suit it.
WINDOW_WIDTH, WINDOW_HEIGHT = 83 * fonts.MM, 90.0
ADDRESS_TYPE = ((10.0, 13.5), (8.5, 11.5), (7.0, 9.5), (6.0, 8.0))


def render_pdf(invoice: Invoice) -> bytes:
    """Return the document as PDF. Raises `RenderError`, naming the document, rather than guess.

    Refused are figures that do not add up, a character no font can draw, anything xhtml2pdf warns
    of, and every error inside it: one bad document must never stop or spoil another.
    """
    check_invoice(invoice)
    fonts.register()
    view = invoice_view(invoice)
    check_glyphs(invoice.number, itemisation.texts(view))
    calls = itemisation.paginate(view)
    letter, letter_pages = _letter(invoice, view, len(calls))
    if not calls:
        return letter
    appendix = itemisation.draw(
        calls, view, first_page=letter_pages + 1, page_count=letter_pages + len(calls)
    )
    return _joined(letter, appendix)


def resource_policy() -> ResourceAccessPolicy:
    """Return what a document may read: files in the font folder, `data:` and nothing remote."""
    return ResourceAccessPolicy.server(fonts.FOLDER, allow_remote=False)


def check_glyphs(number: str, texts: Iterable[str]) -> None:
    """Raise `RenderError` for a character that the fonts cannot draw."""
    missing = set().union(*texts) - fonts.drawable()
    if missing:
        named = ", ".join(
            f"{character!r} (U+{ord(character):04X})" for character in sorted(missing)
        )
        raise RenderError(f"document {number}: no glyph in {fonts.FAMILY} for {named}")


def _letter(invoice: Invoice, view: dict[str, Any], call_pages: int) -> tuple[bytes, int]:
    """Return the letter and its number of pages.

    "Page x of y" needs y before the layout. xhtml2pdf would lay out everything twice to know it;
    we state the usual number and lay out again only where it was wrong.
    """
    pages = USUAL_LETTER_PAGES
    fixed = {**_pictures(view), **_address(invoice), "broken": _broken}
    for _ in range(LAYOUT_ATTEMPTS):
        values = {**view, **fixed, "page_count": pages + call_pages}
        markup = templating.render("print.html.j2", values)
        check_glyphs(invoice.number, [markup])
        letter = _pisa(invoice, markup)
        found = len(PdfReader(io.BytesIO(letter)).pages)
        if found == pages:
            return letter, pages
        pages = found
    raise RenderError(f"document {invoice.number}: the number of pages does not settle")


def _pisa(invoice: Invoice, markup: str) -> bytes:
    out = io.BytesIO()
    with _source_date(invoice.issue_date), _warnings_are_errors(invoice.number):
        try:
            pisa.CreatePDF(
                markup,
                dest=out,
                encoding="utf-8",
                path=str(fonts.FOLDER / "document.html"),
                resource_policy=resource_policy(),
            )
        except Exception as error:
            raise RenderError(f"document {invoice.number}: {error}") from error
    return out.getvalue()


def _joined(letter: bytes, appendix: bytes) -> bytes:
    writer = PdfWriter(clone_from=io.BytesIO(letter))
    writer.append(io.BytesIO(appendix), import_outline=False)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def _pictures(view: dict[str, Any]) -> dict[str, str]:
    chart, qr_text = view["chart"], view["qr_text"]
    return {
        "mark": _svg_uri(letter_mark()),
        "qr": epc_qr.symbol(qr_text).png_data_uri(scale=8, border=0) if qr_text else "",
        "chart": _svg_uri(chart) if chart else "",
    }


def _address(invoice: Invoice) -> dict[str, Any]:
    """Return the lines of the address in the largest type that fits the window of the envelope."""
    wanted = (invoice.buyer.name, *invoice.buyer.address)
    for size, leading in ADDRESS_TYPE:
        lines = [line for text in wanted for line in fonts.wrap(text, WINDOW_WIDTH, size)]
        if len(lines) * leading <= WINDOW_HEIGHT:
            return {"address": lines, "address_size": size, "address_leading": leading}
    raise RenderError(f"document {invoice.number}: the address does not fit the window")


def _broken(text: str, width: float, size: float = 8.5) -> Markup:
    """Break words wider than `width` millimetres, which xhtml2pdf would let run out of the cell."""
    words = text.split(" ")
    lines = (fonts.wrap(word, width * fonts.MM, size, fonts.BOLD) for word in words)
    return Markup(" ").join(Markup("<br/>").join(parts) for parts in lines)


def _svg_uri(svg: str) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


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
