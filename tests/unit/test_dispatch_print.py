"""Letters reach the printer once: a batch is handed over as a whole and never touched again."""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import replace
from pathlib import Path

import pytest
from pypdf import PdfWriter

from orchestration.dispatch.channel import Delivery, PermanentFailure, PostalAddress
from orchestration.dispatch.outbox import dispatch_documents
from orchestration.dispatch.print_folder import print_folder
from orchestration.ledger.store import Ledger, open_ledger
from orchestration.lib.errors import TollhouseError
from orchestration.settings import Settings

ADDRESS = PostalAddress("José Müller", "Hafenstraße 1", "20457", "Hamburg", "DE")


@pytest.fixture
def house(settings: Settings) -> Ledger:
    return open_ledger(settings.ledger_url)


@pytest.fixture
def root(settings: Settings) -> Path:
    return settings.outbox / "print"


def letter(folder: Path, number: int, address: PostalAddress = ADDRESS, pages: int = 2) -> Delivery:
    writer, stream = PdfWriter(), io.BytesIO()
    for _ in range(pages):
        writer.add_blank_page(595, 842)
    writer.write(stream)
    path = folder / f"{number}-{pages}.pdf"
    path.write_bytes(stream.getvalue())
    return Delivery(
        document_id=f"d{number}",
        document_number=f"NW-R-2026-{number:06d}",
        channel="post",
        recipient=address.in_one_line(),
        pdf_path=path,
        pdf_sha256=hashlib.sha256(stream.getvalue()).hexdigest(),
        postal_address=address,
    )


def manifest(folder: Path) -> list[dict[str, str]]:
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_batch_holds_the_letters_and_a_manifest(
    house: Ledger, root: Path, tmp_path: Path
) -> None:
    letters = [letter(tmp_path, 2), letter(tmp_path, 1, pages=3)]
    with print_folder(root, "2026-11-01-main") as channel:
        summary = dispatch_documents(house, {"post": channel}, letters)
        assert not (root / "2026-11-01-main" / "manifest.csv").exists()
    assert summary.accepted_count == 2
    folder = root / "2026-11-01-main"
    rows = manifest(folder)
    assert [(row["document_number"], row["pages"]) for row in rows] == [
        ("NW-R-2026-000001", "3"),
        ("NW-R-2026-000002", "2"),
    ]
    assert rows[0]["name"] == "José Müller"
    for row in rows:
        assert hashlib.sha256((folder / row["file"]).read_bytes()).hexdigest() == row["sha256"]
    assert sorted(path.name for path in folder.iterdir()) == [
        "NW-R-2026-000001.pdf",
        "NW-R-2026-000002.pdf",
        "manifest.csv",
    ]


def test_what_comes_after_the_manifest_is_another_batch(
    house: Ledger, root: Path, tmp_path: Path
) -> None:
    with print_folder(root, "b") as channel:
        dispatch_documents(house, {"post": channel}, [letter(tmp_path, 1)])
    before = (root / "b" / "manifest.csv").read_bytes()
    for _ in range(2):
        with print_folder(root, "b") as channel:
            dispatch_documents(house, {"post": channel}, [letter(tmp_path, 1), letter(tmp_path, 2)])
    assert (root / "b" / "manifest.csv").read_bytes() == before
    assert [row["document_number"] for row in manifest(root / "b-2")] == ["NW-R-2026-000002"]
    assert not (root / "b-3").exists()


def test_a_letter_lost_to_the_ledger_is_not_printed_twice(root: Path, tmp_path: Path) -> None:
    with print_folder(root, "b") as channel:
        channel.send(letter(tmp_path, 1))
    with print_folder(root, "b") as channel:
        receipt = channel.send(letter(tmp_path, 1))
        assert (receipt.state, receipt.code) == ("accepted", "printed")
        with pytest.raises(PermanentFailure, match="already with the printer"):
            channel.send(letter(tmp_path, 1, pages=4))
    assert not (root / "b-2").exists()


def test_a_killed_batch_goes_on(house: Ledger, root: Path, tmp_path: Path) -> None:
    class Killed(BaseException):
        pass

    with pytest.raises(Killed), print_folder(root, "b") as channel:
        dispatch_documents(house, {"post": channel}, [letter(tmp_path, 1)])
        channel.send(letter(tmp_path, 2))
        # Killed between a letter's file and its row.
        (root / "b" / "NW-R-2026-000009.pdf").write_bytes(b"half")
        raise Killed
    assert not (root / "b" / "manifest.csv").exists()
    with print_folder(root, "b") as channel:
        dispatch_documents(
            house, {"post": channel}, [letter(tmp_path, number) for number in (1, 2, 3)]
        )
    assert [row["file"] for row in manifest(root / "b")] == [
        f"NW-R-2026-{number:06d}.pdf" for number in (1, 2, 3)
    ]
    assert len(list((root / "b").glob("*.pdf"))) == 3


def test_an_empty_batch_leaves_nothing(root: Path) -> None:
    with print_folder(root, "b"):
        pass
    assert not (root / "b").exists()


def test_a_name_is_neither_a_formula_nor_a_second_line(root: Path, tmp_path: Path) -> None:
    hostile = PostalAddress('=cmd|"/c calc"!A1', "@x\r\nNW-R-2026-9,x", "+1", "-2", "D,E")
    with print_folder(root, "b") as channel:
        channel.send(letter(tmp_path, 1, hostile))
    (row,) = manifest(root / "b")
    assert row["name"] == '\'=cmd|"/c calc"!A1'
    assert row["street"] == "'@x NW-R-2026-9,x"
    assert (row["postal_code"], row["city"], row["country_code"]) == ("'+1", "'-2", "D,E")


@pytest.mark.parametrize("number", ["../evil", "/etc/x", "a b", "", "NW-1\n"])
def test_no_number_leads_out_of_the_folder(
    house: Ledger, root: Path, tmp_path: Path, number: str
) -> None:
    with print_folder(root, "b") as channel:
        hostile = replace(letter(tmp_path, 1), document_number=number)
        summary = dispatch_documents(house, {"post": channel}, [hostile])
    assert [each.code for each in summary.failed] == ["document_number"]
    assert list(root.rglob("*.pdf")) == []


@pytest.mark.parametrize("batch", ["..", "../x", "a/b", "", ".hidden", "a..b", "x" * 101])
def test_no_batch_leads_out_of_the_outbox(root: Path, batch: str) -> None:
    with pytest.raises(TollhouseError, match="batch"), print_folder(root, batch):
        pass


def test_what_cannot_be_printed_fails_alone(house: Ledger, root: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(b"no pdf at all")
    sha256 = hashlib.sha256(b"no pdf at all").hexdigest()
    letters = [
        replace(letter(tmp_path, 1), pdf_path=broken, pdf_sha256=sha256),
        replace(letter(tmp_path, 2), postal_address=None),
        letter(tmp_path, 3),
    ]
    with print_folder(root, "b") as channel:
        summary = dispatch_documents(house, {"post": channel}, letters)
    assert [each.code for each in summary.failed] == ["payload", "address"]
    assert [row["document_number"] for row in manifest(root / "b")] == ["NW-R-2026-000003"]
