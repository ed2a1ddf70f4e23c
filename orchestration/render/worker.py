"""What a rendering process does. It imports the renderers and nothing heavier."""

from __future__ import annotations

from dataclasses import dataclass

from renderers.invoice import Invoice, RenderError
from renderers.pdf import render_pdf
from renderers.screen import render_html


@dataclass(frozen=True)
class Rendered:
    """One document's files, or why there are none: a bad document fails alone."""

    number: str
    pdf: bytes = b""
    html: bytes = b""
    error: str = ""


def render(invoice: Invoice) -> Rendered:
    """Render one invoice for paper and for the screen."""
    try:
        return Rendered(invoice.number, render_pdf(invoice), render_html(invoice).encode())
    except RenderError as error:
        return Rendered(invoice.number, error=str(error))
    except Exception as error:
        # One document must not stop the others; what it was is told with its number.
        reason = f"{type(error).__name__}: {error}"
        return Rendered(invoice.number, error=f"document {invoice.number}: {reason}")
