"""The itemised calls of an invoice as PDF pages, drawn straight on reportlab's canvas.

xhtml2pdf lays out every cell as a paragraph of its own, which costs milliseconds per call; a list
of calls needs no layout engine. `paginate` decides what stands on which page, so that the number
of pages is known before anything is drawn, and `draw` draws it. Text too long for its column
continues on the next line of the record; nothing is cut off.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from reportlab.lib.colors import HexColor
from reportlab.pdfgen.canvas import Canvas

from renderers.fonts import BOLD, MM, REGULAR, wrap
from renderers.palette import ACCENT, ACCENT_TINT, INK, MUTED

PAGE = (210 * MM, 297 * MM)
LEFT, RIGHT = 20 * MM, 190 * MM
TOP, BOTTOM = 272 * MM, 28 * MM
SIZE, LEADING = 6.8, 9.4
RECORDS_PER_BAND = 5

RowKind = Literal["title", "hint", "section", "head", "record", "total"]
HEIGHTS: dict[RowKind, float] = {"title": 18, "hint": 12, "section": 22, "head": 16, "total": 16}
# A heading that would stand alone at the foot of a page goes to the next one.
NEEDS_BELOW: dict[RowKind, float] = {"section": 16 + 3 * LEADING, "total": 0}


@dataclass(frozen=True)
class Column:
    """A column of the itemisation: key of its heading, width in millimetres, alignment."""

    key: str
    width: int
    is_number: bool = False


COLUMNS = (
    Column("time", 28),
    Column("service", 13),
    Column("other_number", 32),
    Column("destination", 44),
    Column("band", 19),
    Column("quantity", 17, is_number=True),
    Column("amount", 17, is_number=True),
)


@dataclass(frozen=True)
class Row:
    """One row as it is drawn: `cells` are lines of text per column, or one text for a heading."""

    kind: RowKind
    height: float
    cells: tuple[tuple[str, ...], ...]
    is_shaded: bool = False


Page = list[Row]


def paginate(view: dict[str, Any]) -> list[Page]:
    """Return the rows of every page for an `invoice_view`; no itemised record gives no page."""
    words = view["t"]
    sections = [section for section in view["sections"] if section["itemised"]]
    if not sections:
        return []
    pages: list[Page] = [[_heading("title", words["itemised"])]]
    pages[0].append(_heading("hint", words["itemised_hint"]))
    head = Row("head", HEIGHTS["head"], tuple((words[column.key],) for column in COLUMNS))
    for section in sections:
        title = f"{section['label']} · {section['itemised_period']}"
        _place(pages, [_heading("section", title), head], head)
        for index, record in enumerate(section["itemised"]):
            _place(pages, [_record(record, index)], head)
        total = (words["subtotal"], section["itemised_total"])
        _place(pages, [Row("total", HEIGHTS["total"], tuple((text,) for text in total))], head)
    return pages


def draw(pages: Sequence[Page], view: dict[str, Any], *, first_page: int, page_count: int) -> bytes:
    """Return the pages as PDF, numbered from `first_page`. Equal input gives equal bytes."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=PAGE, invariant=1, pageCompression=1)
    for number, page in enumerate(pages, start=first_page):
        _draw_margins(canvas, view, f"{view['t']['page']} {number} {view['t']['of']} {page_count}")
        y = TOP
        for row in page:
            y -= row.height
            _draw_row(canvas, row, y)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def _heading(kind: RowKind, text: str) -> Row:
    return Row(kind, HEIGHTS[kind], ((text,),))


def _record(cells: Sequence[str], index: int) -> Row:
    lines = tuple(
        wrap(text, (column.width - 2) * MM, SIZE)
        for text, column in zip(cells, COLUMNS, strict=True)
    )
    is_shaded = index // RECORDS_PER_BAND % 2 == 1
    return Row("record", LEADING * max(len(cell) for cell in lines), lines, is_shaded)


def _place(pages: list[Page], rows: list[Row], head: Row) -> None:
    """Add rows that belong together, on a new page under a repeated head when they do not fit."""
    used = sum(row.height for row in pages[-1])
    needed = sum(row.height for row in rows) + NEEDS_BELOW.get(rows[0].kind, 0)
    if used + needed > TOP - BOTTOM:
        pages.append([] if rows[0].kind == "section" else [head])
    pages[-1].extend(rows)


def _draw_margins(canvas: Canvas, view: dict[str, Any], page_text: str) -> None:
    seller = view["seller"]
    reference = f"{view['kind']} {view['number']} · {view['t']['account']} {view['account']}"
    _text(canvas, LEFT, 281 * MM, seller["name"], colour=MUTED, size=7)
    _text(canvas, RIGHT, 281 * MM, reference, colour=MUTED, size=7, to_left=True)
    canvas.setStrokeColor(HexColor(ACCENT))
    canvas.setLineWidth(0.8)
    canvas.line(LEFT, 22 * MM, RIGHT, 22 * MM)
    baseline = 22 * MM - 8.5
    for line in (*wrap(seller["contact_line"], 138 * MM, 7), seller["legal"]):
        _text(canvas, LEFT, baseline, line, colour=MUTED, size=7)
        baseline -= 9.5
    _text(canvas, RIGHT, 22 * MM - 8.5, page_text, colour=MUTED, size=7, to_left=True)


def _draw_row(canvas: Canvas, row: Row, y: float) -> None:
    """Draw one row whose lower edge is at `y`."""
    if row.kind == "title":
        _text(canvas, LEFT, y + 5, row.cells[0][0], font=BOLD, colour=ACCENT, size=11.5)
    elif row.kind == "hint":
        _text(canvas, LEFT, y + 3, row.cells[0][0], colour=MUTED, size=7)
    elif row.kind == "section":
        _text(canvas, LEFT, y + 4, row.cells[0][0], font=BOLD, size=9)
    elif row.kind == "head":
        _draw_cells(canvas, row, y + 6, font=BOLD, colour=MUTED)
        canvas.setStrokeColor(HexColor(ACCENT))
        canvas.setLineWidth(0.8)
        canvas.line(LEFT, y + 2, RIGHT, y + 2)
    elif row.kind == "total":
        _text(canvas, LEFT, y + 4, row.cells[0][0], font=BOLD, size=7)
        _text(canvas, RIGHT, y + 4, row.cells[1][0], font=BOLD, size=7, to_left=True)
    else:
        if row.is_shaded:
            canvas.setFillColor(HexColor(ACCENT_TINT))
            canvas.rect(LEFT - 2, y, RIGHT - LEFT + 4, row.height, stroke=0, fill=1)
        _draw_cells(canvas, row, y + row.height - LEADING + 2.4, font=REGULAR, colour=INK)


def _draw_cells(canvas: Canvas, row: Row, baseline: float, *, font: str, colour: str) -> None:
    x = LEFT
    for column, lines in zip(COLUMNS, row.cells, strict=True):
        edge = x + column.width * MM
        for index, line in enumerate(lines):
            at = edge if column.is_number else x
            y = baseline - index * LEADING
            _text(canvas, at, y, line, font=font, colour=colour, to_left=column.is_number)
        x = edge


def _text(
    canvas: Canvas,
    x: float,
    y: float,
    text: str,
    *,
    font: str = REGULAR,
    colour: str = INK,
    size: float = SIZE,
    to_left: bool = False,
) -> None:
    canvas.setFont(font, size)
    canvas.setFillColor(HexColor(colour))
    if to_left:
        canvas.drawRightString(x, y, text)
    else:
        canvas.drawString(x, y, text)


def texts(view: dict[str, Any]) -> Iterable[str]:
    """Return every text of the records, for the check that the fonts can draw them."""
    for section in view["sections"]:
        for record in section["itemised"]:
            yield from record
