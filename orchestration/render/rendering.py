"""Rendering what was issued: in two processes, stored by hash, told to the ledger."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select

from orchestration.ledger.schema import bill_runs, documents, passes, rendered_documents
from orchestration.ledger.store import Ledger, append_rows
from orchestration.lib.documents import store_document
from orchestration.lib.warehouse import open_warehouse
from orchestration.passes.records import record_complete
from orchestration.render.documents import read_invoices
from orchestration.render.worker import Rendered, end_with_parent, render
from orchestration.settings import Settings
from renderers.invoice import Invoice

PROCESSES = 2
BATCH = 20
PDF, HTML = "application/pdf", "text/html"
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class RenderSummary:
    """What rendering did: `remaining_count` documents of the date still have no files."""

    rendered_count: int
    remaining_count: int
    errors: tuple[str, ...]


def render_documents(
    settings: Settings,
    ledger: Ledger,
    bill_date: date,
    limit: int | None = None,
    progress: Progress | None = None,
    pass_kind: str = "",
) -> RenderSummary:
    """Render issued invoices of a bill date until all of them, or `limit` of them, have files.

    With a `pass_kind`, only invoices of its passes get theirs now. Rows are written batch by batch,
    so that a killed run goes on where it stopped. A document that cannot be rendered is reported
    and tried again by the next run; the others go on.
    """
    waiting = _find_unrendered(ledger, bill_date)
    wanted = None if limit is None else max(0, limit - _count_rendered(ledger, bill_date))
    mine = _find_unrendered(ledger, bill_date, pass_kind) if pass_kind else waiting
    chosen = dict(list(mine.items())[:wanted])
    errors: list[str] = []
    done = 0
    for batch in _render(settings, list(chosen.values())):
        rows = []
        for document in batch:
            if document.error:
                errors.append(document.error)
                continue
            document_id = chosen[document.number]
            rows += [
                _store(settings, document_id, PDF, document.pdf, ".pdf"),
                _store(settings, document_id, HTML, document.html, ".html"),
            ]
        with ledger.write() as connection:
            append_rows(connection, rendered_documents, rows)
        done += len(batch)
        if progress:
            progress(done, len(chosen))
    rendered = len(chosen) - len(errors)
    remaining = len(waiting) - rendered
    if not remaining:
        record_complete(settings, ledger, bill_date, "rendered")
    return RenderSummary(rendered, remaining, tuple(errors))


def _count_rendered(ledger: Ledger, bill_date: date) -> int:
    query = (
        select(func.count())
        .select_from(rendered_documents)
        .join(documents, rendered_documents.c.document_id == documents.c.document_id)
        .join(passes, documents.c.pass_id == passes.c.pass_id)
        .join(bill_runs, passes.c.bill_run_id == bill_runs.c.bill_run_id)
        .where(bill_runs.c.bill_date == bill_date, rendered_documents.c.media_type == PDF)
    )
    with ledger.read() as connection:
        return int(connection.scalar(query) or 0)


def _find_unrendered(ledger: Ledger, bill_date: date, pass_kind: str = "") -> dict[str, str]:
    """Return id by number of the date's documents without a PDF, in the order of their numbers."""
    query = (
        select(documents.c.document_id, documents.c.document_number)
        .join(passes, documents.c.pass_id == passes.c.pass_id)
        .join(bill_runs, passes.c.bill_run_id == bill_runs.c.bill_run_id)
        .outerjoin(
            rendered_documents,
            (rendered_documents.c.document_id == documents.c.document_id)
            & (rendered_documents.c.media_type == PDF),
        )
        .where(bill_runs.c.bill_date == bill_date, rendered_documents.c.sequence.is_(None))
        .order_by(documents.c.sequence)
    )
    if pass_kind:
        query = query.where(passes.c.pass_kind == pass_kind)
    with ledger.read() as connection:
        return {row.document_number: row.document_id for row in connection.execute(query)}


def _render(settings: Settings, document_ids: Sequence[str]) -> Iterator[list[Rendered]]:
    """Yield rendered batches. Processes, not threads: the PDF library holds a global lock."""
    if not document_ids:
        return
    # Spawned, not forked: this process has threads and database connections open.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, mp_context=context, initializer=end_with_parent) as pool:
        for start in range(0, len(document_ids), BATCH):
            yield list(pool.map(render, _read(settings, document_ids[start : start + BATCH])))


def _read(settings: Settings, document_ids: Sequence[str]) -> list[Invoice]:
    with open_warehouse(settings) as warehouse:
        warehouse.execute("set enable_progress_bar = false")
        return read_invoices(warehouse, document_ids)


def _store(
    settings: Settings, document_id: str, media_type: str, content: bytes, suffix: str
) -> dict[str, object]:
    stored = store_document(settings, content, suffix)
    return {
        "document_id": document_id,
        "media_type": media_type,
        "sha256": stored.sha256,
        "path": str(stored.path),
        "size_bytes": stored.size_bytes,
    }
