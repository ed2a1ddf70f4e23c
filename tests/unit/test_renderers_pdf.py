"""The invoice on paper: by its text, its pages, its fonts and its payment code."""

# ruff: noqa: RUF001 (the typographic minus and dash are what is tested)

from __future__ import annotations

import hashlib
import io
import logging
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from multiprocessing import get_context
from pathlib import Path

import pytest
from pypdf import PdfReader
from renderers_sample import calls, credit_note, invoice

from renderers import pdf
from renderers.invoice import Invoice, Party, PaymentTerms, RenderError
from renderers.pdf import render_pdf


def pages(document: Invoice) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(render_pdf(document))).pages]


def digest(document: Invoice) -> str:
    return hashlib.sha256(render_pdf(document)).hexdigest()


def squeezed(text: str) -> str:
    return "".join(text.split())


def test_the_pages_say_what_the_invoice_says() -> None:
    first, second, third = pages(invoice())
    for text in (
        "Zoë Ångström-Müller",
        "10623 Berlin",
        "NW-2026-000123",
        "Ihre Rechnung für Oktober 2026",
        "01.10.2026 – 31.10.2026",
        "119,00 EUR",
        "innerhalb von 20 Tagen, bis 21.11.2026",
        "DE02 1203 0000 0000 2020 51",
        "BYLADEM1001",
        "DE123456788",
    ):
        assert text in first
    for text in ("Treuerabatt", "−2,00", "4:25:06", "USt. 19 %", "2,00 GB", "0:10:00"):
        assert text in second.replace("\N{NO-BREAK SPACE}", " ")
    for text in ("+33612345678", "International", "0:12:06", "2,0570", "4,8880"):
        assert text in third
    for number, page in enumerate((first, second, third), start=1):
        assert f"Seite {number} von 3" in page


def test_every_one_of_600_calls_is_itemised_once_and_heads_repeat() -> None:
    found = pages(invoice(600))
    itemised = "\n".join(found[2:])
    assert itemised.count("Einzelverbindungsnachweis") == 1
    assert len(found) == 2 + itemised.count("Datum und Zeit")
    assert itemised.count("+33612345678") == 150
    for call in calls(600):
        assert f"{call.started_at:%d.%m. %H:%M:%S}" in itemised
    assert f"Seite {len(found)} von {len(found)}" in found[-1]


def test_a_destination_wider_than_its_column_continues_on_the_next_line() -> None:
    base = invoice(3)
    part = base.subscriptions[0]
    name = "Südgeorgien und die Südlichen Sandwichinseln über Satellit " * 3
    call = replace(part.itemised[0], destination=name + "X" * 90)
    long = replace(base, subscriptions=(replace(part, itemised=(call, *part.itemised[1:])),))
    assert squeezed(name) + "X" * 90 in squeezed(_column_text(pages(long)[2]))


def _column_text(page: str) -> str:
    """Leave out what stands beside the wrapped column."""
    lines = page.splitlines()
    start = next(index for index, line in enumerate(lines) if "Südgeorgien" in line)
    end = max(index for index, line in enumerate(lines) if "XX" in line)
    return "\n".join(lines[start : end + 1])


def test_an_invoice_without_lines_owes_nothing_and_has_no_code() -> None:
    nothing = Decimal(0)
    empty = invoice(
        0, subscriptions=(), taxes=(), net_amount=nothing, tax_amount=nothing, total_amount=nothing
    )
    first, second = pages(empty)
    assert "Nichts zu zahlen" in first
    assert "Keine Entgelte in diesem Zeitraum." in first
    assert "IBAN" not in first
    assert "Keine Entgelte" in second


def test_a_credit_note_names_the_original_and_asks_for_no_payment() -> None:
    first, second = pages(credit_note())
    assert "Your credit note for October 2026" in first
    assert "Corrects invoice" in first
    assert "NW-2026-000123" in first
    assert "−119.00 EUR" in first.replace("\N{NO-BREAK SPACE}", " ")
    assert "IBAN" not in first
    assert "Scan" not in first
    assert "−100.00" in second


def test_an_invoice_in_another_currency_has_a_slip_without_code() -> None:
    images = PdfReader(io.BytesIO(render_pdf(invoice(0, currency_code="USD")))).pages[0].images
    assert len(images) == 0
    assert len(PdfReader(io.BytesIO(render_pdf(invoice(0)))).pages[0].images) == 1


def test_long_texts_stay_whole_and_inside_their_page() -> None:
    name = (
        "Gesellschaft für außerordentlich langwierige Unternehmensbezeichnungen und "
        "Fernmeldewesen Norddeutschland mbH & Co. KG"
    )
    street = "Donaudampfschifffahrtsgesellschaftsstraße 1234567890 Hinterhaus"
    base = invoice(
        0,
        buyer=Party(name, ("z. Hd. Buchhaltung", street, "10623 Berlin", "Germany"), "DE", "DE1"),
        terms=PaymentTerms(invoice().terms.due_date, "R" * 140, 20),
        original_number="NW-2026-000001",
        notes=("Ŋ" * 300,),
    )
    part = base.subscriptions[0]
    lines = (replace(part.lines[0], description="D" * 200), *part.lines[1:])
    found = pages(replace(base, subscriptions=(replace(part, lines=lines),)))
    text = squeezed("".join(found))
    for wanted in (name, street, "R" * 140, "D" * 200):
        assert squeezed(wanted) in text
    assert text.count("Ŋ") == 300
    assert text.count("ZahlungperÜberweisung") == 1


def test_an_address_that_no_window_holds_is_an_error() -> None:
    with pytest.raises(RenderError, match="document NW-2026-000123: the address"):
        render_pdf(invoice(0, buyer=Party("x", tuple(f"line {n}" for n in range(40)))))


def test_many_subscriptions_make_more_pages_numbered_right() -> None:
    base = invoice(0)
    part = base.subscriptions[0]
    free = replace(part, lines=tuple(replace(line, net_amount=Decimal(0)) for line in part.lines))
    found = pages(replace(base, subscriptions=(part, *([free] * 20))))
    assert len(found) > 3
    for number, page in enumerate(found, start=1):
        assert f"Seite {number} von {len(found)}" in page


@pytest.mark.parametrize(
    "name",
    ["Γιώργος Παπαδόπουλος", "Łukasz Żółć-Gęślą", "Дмитрий Щербаков", "Đặng Thị Ðỗ", "Ṡṫ Øð ŞĞ"],
)
def test_names_beyond_latin_1_are_drawn(name: str) -> None:
    assert name in pages(invoice(0, buyer=Party(name, ("10623 Berlin",))))[0]


@pytest.mark.parametrize("place", ["buyer", "destination"])
def test_a_character_no_font_has_is_an_error_that_names_the_document(place: str) -> None:
    base = invoice(4)
    part = base.subscriptions[0]
    call = replace(part.itemised[0], destination="山田")
    bad = {
        "buyer": replace(base, buyer=Party("山田", ("x",))),
        "destination": replace(base, subscriptions=(replace(part, itemised=(call,)),)),
    }[place]
    with pytest.raises(RenderError, match=r"document NW-2026-000123: no glyph .*U\+5C71.*U\+7530"):
        render_pdf(bad)


def test_a_warning_of_the_engine_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def warn(*_args: object, **_options: object) -> None:
        logging.getLogger("xhtml2pdf.tables").warning("a column is wrong")

    monkeypatch.setattr(pdf.pisa, "CreatePDF", warn)
    with pytest.raises(RenderError, match="document NW-2026-000123: a column is wrong"):
        render_pdf(invoice(0))


def test_an_error_of_the_engine_names_the_document(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object, **_options: object) -> None:
        raise ZeroDivisionError("bad picture")

    monkeypatch.setattr(pdf.pisa, "CreatePDF", fail)
    with pytest.raises(RenderError, match="document NW-2026-000123: bad picture"):
        render_pdf(invoice(0))


def test_the_environment_and_the_loggers_are_left_as_they_were(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "7")
    handlers = list(logging.getLogger("xhtml2pdf").handlers)
    render_pdf(invoice(0))
    assert os.environ["SOURCE_DATE_EPOCH"] == "7"
    assert logging.getLogger("xhtml2pdf").handlers == handlers


@pytest.fixture
def requests_seen() -> Iterator[tuple[str, list[str]]]:
    """A web server on this machine, and the paths that were asked of it."""
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.path)
            self.send_error(404)

        def log_message(self, *_args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", seen
    server.shutdown()
    server.server_close()


def test_hostile_names_are_printed_and_reach_nothing(requests_seen: tuple[str, list[str]]) -> None:
    address, seen = requests_seen
    names = (
        "José <b>&Co</b>",
        '"><script>alert(1)</script>',
        "{{7*7}}{% for x in y %}",
        f"url({address}/a)",
        f"<img src={address}/b>",
        f'<link rel="stylesheet" href="{address}/c">',
        "<pdf:nextpage/>&lt;",
    )
    for name in names:
        base = invoice(1, buyer=Party(name, (name,)), notes=(name,))
        part = base.subscriptions[0]
        line = replace(part.lines[0], description=name, quantity=name)
        call = replace(part.itemised[0], destination=name, band=name)
        changed = replace(
            part, label=name, lines=(line, *part.lines[1:]), itemised=(call,), usage=()
        )
        found = pages(replace(base, subscriptions=(changed,)))
        assert len(found) == 3
        for page in found:
            assert squeezed(name) in squeezed(page)
    assert seen == []


def test_what_the_policy_refuses_is_refused(requests_seen: tuple[str, list[str]]) -> None:
    address, seen = requests_seen
    policy = pdf.resource_policy()
    for source in (f"{address}/x.png", "/etc/hostname", "../invoice.py"):
        out = io.BytesIO()
        pdf.pisa.CreatePDF(f'<img src="{source}">x', dest=out, resource_policy=policy)
    assert seen == []


def test_equal_invoices_give_equal_bytes_here_and_in_two_other_processes() -> None:
    documents = [invoice(40), credit_note()] * 2
    here = [digest(document) for document in documents]
    assert here[:2] == here[2:]
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        assert list(pool.map(digest, documents)) == here


def test_the_file_is_dated_by_its_issue_date() -> None:
    metadata = PdfReader(io.BytesIO(render_pdf(invoice(4)))).metadata
    assert metadata is not None
    assert metadata.title == "Rechnung NW-2026-000123"
    assert metadata.creation_date is not None
    assert metadata.creation_date.date() == invoice().issue_date


def test_only_our_fonts_draw_and_they_are_embedded() -> None:
    reader = PdfReader(io.BytesIO(render_pdf(invoice(4))))
    drawn = set()
    for page in reader.pages:
        page.extract_text(
            visitor_text=lambda text, _cm, _tm, font, _size: (
                drawn.add(str((font or {}).get("/BaseFont"))) if text.strip() else None
            )
        )
    assert drawn
    assert all("DejaVuSansCondensed" in name for name in drawn), drawn


@pytest.mark.skipif(
    not (shutil.which("zbarimg") and shutil.which("pdftoppm")), reason="needs zbar and poppler"
)
def test_a_scanner_reads_the_payment_code_off_the_page(tmp_path: Path) -> None:
    (tmp_path / "invoice.pdf").write_bytes(render_pdf(invoice(0)))
    subprocess.run(
        ["pdftoppm", "-r", "100", "-png", "-singlefile", "invoice.pdf", "page"],
        cwd=tmp_path,
        check=True,
    )
    read = subprocess.run(
        ["zbarimg", "-q", "--raw", "page.png"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )
    assert read.stdout.strip().splitlines() == [
        *("BCD", "002", "1", "SCT", "BYLADEM1001", "Nordwind Mobil GmbH"),
        *("DE02120300000000202051", "EUR119.00", "", "", "NW-2026-000123 A-100042"),
    ]
