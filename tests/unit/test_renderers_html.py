"""The invoice on the screen and the report, as text: what stands on the page, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import pytest
from renderers_sample import credit_note, invoice, report

from renderers.invoice import Party, RenderError
from renderers.report import Revenue, render_report
from renderers.screen import render_html

GOLDEN = Path(__file__).parent / "golden"
HOSTILE = (
    'José <b>&Co</b> "><script>alert(1)</script> {{7*7}} {% raw %} url(http://127.0.0.1:9/x) '
    "<img src=http://127.0.0.1:9/y> &lt;"
)
VOID = {"meta", "br", "rect", "line", "path", "img"}


class _Page(HTMLParser):
    """Collects the visible text, every element and every attribute."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self.elements: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style" and data.strip():
            self.words.append(" ".join(data.split()))

    @property
    def text(self) -> str:
        return "\n".join(self.words) + "\n"


@pytest.mark.parametrize(
    ("name", "page"),
    [
        ("invoice_de.txt", lambda: render_html(invoice())),
        ("credit_note_en.txt", lambda: render_html(credit_note())),
        ("report.txt", lambda: render_report(report())),
    ],
)
def test_the_text_of_the_page_is_the_golden_text(name: str, page: object) -> None:
    """Set `golden/<name>` anew, after looking at the page, by deleting it and running twice."""
    assert callable(page)
    text = _Page(page()).text
    golden = GOLDEN / name
    if not golden.exists():
        golden.write_text(text, encoding="utf-8")
        pytest.fail(f"{name} was missing and is written now: look at it, then run again")
    assert text == golden.read_text(encoding="utf-8")


@pytest.fixture(params=["invoice", "credit_note", "report"])
def page(request: pytest.FixtureRequest) -> Iterator[str]:
    pages = {
        "invoice": lambda: render_html(invoice()),
        "credit_note": lambda: render_html(credit_note()),
        "report": lambda: render_report(report()),
    }
    yield pages[request.param]()


def test_a_page_asks_the_network_for_nothing(page: str) -> None:
    parsed = _Page(page)
    assert "script" not in parsed.elements
    assert not {"link", "iframe", "object", "embed"} & set(parsed.elements)
    for name, value in parsed.attributes:
        assert name not in {"src", "href", "xlink:href"} or value.startswith("data:")
        assert not name.startswith("on")
    assert "url(" not in page
    assert "@import" not in page
    assert "default-src 'none'" in page


def test_every_picture_has_a_name_and_every_head_a_scope(page: str) -> None:
    for head in re.findall(r"<th\b[^>]*>", page):
        assert "scope=" in head
    for chart in re.findall(r"<svg[^>]*role=.img.*?</svg>", page, flags=re.DOTALL):
        assert "<title>" in chart
        assert "<desc>" in chart


def test_hostile_text_is_printed_literally() -> None:
    hostile = invoice(
        4, buyer=Party(HOSTILE, (HOSTILE,)), notes=(HOSTILE,), account_id=HOSTILE, number=HOSTILE
    )
    part = hostile.subscriptions[0]
    line = replace(part.lines[0], description=HOSTILE, quantity=HOSTILE)
    call = replace(part.itemised[0], destination=HOSTILE, service=HOSTILE, band=HOSTILE)
    changed = replace(
        part, label=HOSTILE, lines=(line, *part.lines[1:]), itemised=(call, *part.itemised[1:])
    )
    page = _Page(render_html(replace(hostile, subscriptions=(changed,))))
    assert page.text.count(HOSTILE) >= 9
    assert {"script", "img", "b"} & set(page.elements) == {"b"}
    assert page.elements.count("b") == _Page(render_html(invoice(4))).elements.count("b")
    assert not any("alert" in value for _, value in page.attributes)


def test_hostile_text_in_a_report_is_printed_literally() -> None:
    page = _Page(render_report(report(revenue_by_plan=(Revenue(HOSTILE, 1, Decimal(1)),))))
    assert HOSTILE in page.text
    assert "script" not in page.elements


def test_a_service_named_like_a_phrase_is_only_a_name() -> None:
    base = invoice(1)
    part = base.subscriptions[0]
    call = replace(part.itemised[0], service="terms")
    page = render_html(replace(base, subscriptions=(replace(part, itemised=(call,)),)))
    assert "<td>terms</td>" in page


def test_a_control_total_that_differs_is_said_first_and_where_it_stands() -> None:
    good = report()
    broken = replace(good.fates[0], total=Decimal(1520432))
    page = _Page(render_report(replace(good, fates=(broken, good.fates[1]))))
    assert "✗ 1 of 3 control totals do not agree. Do not sign before they do." in page.text
    assert "✗ differs" in page.text
    assert "✗" not in _Page(render_report(good)).text


def test_a_control_is_broken_when_the_warehouse_says_so() -> None:
    good = report()
    broken = replace(good.control_totals[0], is_ok=False)
    text = _Page(render_report(replace(good, control_totals=(broken,)))).text
    assert "✗ 1 of 3 control totals do not agree." in text


def test_every_bill_run_of_a_date_has_its_section() -> None:
    other = report(legal_entity="Südwind Mobil AG", bill_run_id="suedwind:monthly_1:2026-11-01")
    text = _Page(render_report(report(), other)).text
    assert text.count("Bill cycle report") == 2
    assert "Südwind Mobil AG" in text
    assert "Nothing was opened on this date." in _Page(render_report()).text


def test_an_empty_report_is_still_a_report() -> None:
    bare = report(
        **dict.fromkeys(("kpis", "taxes", "held_by_rule", "held_accounts", "suspense"), ()),
        revenue_by_charge_type=(),
        revenue_by_plan=(),
        rejected=(),
        control_totals=(),
        fates=(),
        passes=(),
        refused_files=(),
        unmatched_payments=(),
        deliveries=(),
        payments=(),
        ageing=(),
        past_runs=(),
    )
    text = _Page(render_report(bare)).text
    assert "No account is held." in text
    assert "agree" not in text


@pytest.mark.parametrize(
    "changes",
    [
        {"total_amount": Decimal("119.01")},
        {"net_amount": Decimal("99.99")},
        {"tax_amount": Decimal("18.99")},
        {"net_amount": 100.0},
        {"total_amount": Decimal("NaN")},
    ],
)
def test_a_document_that_does_not_add_up_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(RenderError, match="document NW-2026-000123"):
        render_html(invoice(**changes))
