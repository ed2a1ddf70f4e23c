"""What a rendering process does. It imports the renderers and nothing heavier."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from multiprocessing import parent_process
from multiprocessing.connection import wait

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


def end_with_parent() -> None:
    """End this process when the one that started it is gone, killed or not.

    Else a killed run would leave its rendering processes behind, waiting for work for ever.
    """
    parent = parent_process()
    if parent is not None:
        sentinel = parent.sentinel

        def watch() -> None:
            wait([sentinel])
            os._exit(1)

        threading.Thread(target=watch, name="parent", daemon=True).start()


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
