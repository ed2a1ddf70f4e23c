"""Which issued invoices leave by which channel: the deliveries of a bill date, and their texts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime

from sqlalchemy import select

from orchestration.dispatch.channel import Channel, Delivery, PostalAddress
from orchestration.dispatch.outbox import DispatchSummary, Progress, dispatch_documents
from orchestration.dispatch.print_folder import print_folder
from orchestration.dispatch.smtp import smtp_channel
from orchestration.ledger.schema import rendered_documents
from orchestration.ledger.store import Ledger
from orchestration.lib.documents import load_document
from orchestration.lib.warehouse import open_warehouse, read_rows
from orchestration.passes.records import record_complete
from orchestration.settings import Settings

PDF, HTML = "application/pdf", "text/html"
MAIL = {
    "en": (
        "Your invoice {number}",
        "Dear customer,\n\nplease find attached your invoice {number} of {date} over {total} "
        "{currency}.\nIt is due on {due}.\n\n{seller}\n",
    ),
    "de": (
        "Ihre Rechnung {number}",
        "Guten Tag,\n\nim Anhang finden Sie Ihre Rechnung {number} vom {date} über {total} "
        "{currency}.\nSie ist fällig am {due}.\n\n{seller}\n",
    ),
}
INVOICES = """
    select
        invoices.invoice_id,
        invoices.invoice_number,
        invoices.delivery_channel,
        invoices.language,
        invoices.buyer_name,
        invoices.buyer_email,
        invoices.buyer_street,
        invoices.buyer_postal_code,
        invoices.buyer_city,
        invoices.buyer_country_code,
        invoices.seller_name,
        invoices.issue_date,
        invoices.due_date,
        invoices.total_amount,
        currencies.minor_units,
        invoices.currency_code
    from marts.fct_invoices as invoices
    inner join seeds.currencies as currencies on invoices.currency_code = currencies.currency_code
    where invoices.bill_date = $bill_date and invoices.billing_status = 'issued'
    order by invoices.invoice_number
"""


def dispatch_bill_date(
    settings: Settings, ledger: Ledger, bill_date: date, progress: Progress | None = None
) -> DispatchSummary:
    """Send the rendered invoices of a bill date that have not been sent.

    E-mail needs a mail server in the environment; without one its deliveries stay pending. Letters
    go into the print folder of the bill date. When every document of the date has left, its passes
    are `dispatched`.
    """
    with ExitStack() as stack:
        channels: dict[str, Channel] = {
            "post": stack.enter_context(
                print_folder(settings.outbox / "print", bill_date.isoformat())
            )
        }
        if settings.smtp.host:
            channels["email"] = stack.enter_context(
                smtp_channel(settings.smtp, lambda: datetime.now(UTC))
            )
        deliveries = list(read_deliveries(settings, ledger, bill_date))
        summary = dispatch_documents(ledger, channels, deliveries, progress)
    sent = summary.accepted_count + summary.already_sent_count
    if sent == _count_documents(settings, bill_date):
        record_complete(settings, ledger, bill_date, "dispatched")
    return summary


def read_deliveries(settings: Settings, ledger: Ledger, bill_date: date) -> Iterator[Delivery]:
    """Yield a delivery for every issued invoice of a bill date that has its files."""
    with ledger.read() as connection:
        files: dict[str, dict[str, tuple[str, str]]] = {}
        for file in connection.execute(select(rendered_documents)):
            files.setdefault(file.document_id, {})[file.media_type] = (file.path, file.sha256)
    with open_warehouse(settings) as warehouse:
        invoices = read_rows(warehouse, INVOICES, {"bill_date": bill_date})
    for row in invoices:
        if PDF not in files.get(row["invoice_id"], {}):
            continue
        path, sha256 = files[row["invoice_id"]][PDF]
        html = files[row["invoice_id"]].get(HTML)
        subject, text = MAIL["de" if row["language"] == "de" else "en"]
        values = {
            "number": row["invoice_number"],
            "date": row["issue_date"],
            "due": row["due_date"],
            "total": f"{row['total_amount']:.{row['minor_units']}f}",
            "currency": row["currency_code"],
            "seller": row["seller_name"],
        }
        address = PostalAddress(
            name=row["buyer_name"],
            street=row["buyer_street"],
            postal_code=row["buyer_postal_code"],
            city=row["buyer_city"],
            country_code=row["buyer_country_code"],
        )
        by_mail = row["delivery_channel"] == "email"
        yield Delivery(
            document_id=row["invoice_id"],
            document_number=row["invoice_number"],
            channel=row["delivery_channel"],
            recipient=(row["buyer_email"] or "") if by_mail else address.in_one_line(),
            pdf_path=settings.documents / path,
            pdf_sha256=sha256,
            subject=subject.format(**values) if by_mail else "",
            text=text.format(**values) if by_mail else "",
            html=load_document(settings, *html).decode() if by_mail and html else "",
            postal_address=address,
        )


def _count_documents(settings: Settings, bill_date: date) -> int:
    with open_warehouse(settings) as warehouse:
        row = warehouse.execute(
            "select count(*) from marts.fct_invoices"
            " where bill_date = ? and billing_status = 'issued'",
            [bill_date],
        ).fetchone()
    return int(row[0]) if row else 0
