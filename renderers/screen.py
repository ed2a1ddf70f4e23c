"""An invoice as one HTML page for the screen: inline style and pictures, no script, no request."""

from __future__ import annotations

from markupsafe import Markup

from renderers import epc_qr, templating
from renderers.charts import letter_mark
from renderers.invoice import Invoice, check_invoice
from renderers.itemisation import COLUMNS
from renderers.view import invoice_view


def render_html(invoice: Invoice) -> str:
    """Return the document as a self-contained page. Raises `RenderError`, naming the document."""
    check_invoice(invoice)
    view = invoice_view(invoice)
    values = {**view, "mark": letter_mark(), "qr": _qr_svg(view["qr_text"]), "columns": COLUMNS}
    return templating.render("screen.html.j2", values)


def _qr_svg(text: str) -> Markup:
    """Return the payment code as SVG; segno writes nothing of the text but its modules."""
    if not text:
        return Markup("")
    svg = epc_qr.symbol(text).svg_inline(border=4, omitsize=True, dark="#000", light="#fff")
    return Markup(svg)  # noqa: S704
