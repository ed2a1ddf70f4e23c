"""Whole files, stored documents, and one writer at a time."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from orchestration.lib.documents import DocumentStoreError, load_document, store_document
from orchestration.lib.files import replace_atomically, sha256_file, write_atomically
from orchestration.lib.lock import LockedError, writer_lock
from orchestration.settings import Settings


def test_a_file_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "deep" / "file.json"
    write_atomically(path, b"one")
    write_atomically(path, b"two")
    assert path.read_bytes() == b"two"
    assert sha256_file(path) == hashlib.sha256(b"two").hexdigest()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, b"three")
    assert path.read_bytes() == b"two"
    assert [each.name for each in path.parent.iterdir()] == ["file.json"]


def test_a_finished_file_takes_its_name(tmp_path: Path) -> None:
    (tmp_path / "x.tmp").write_bytes(b"new")
    (tmp_path / "x").write_bytes(b"old")
    replace_atomically(tmp_path / "x.tmp", tmp_path / "x")
    assert [each.name for each in tmp_path.iterdir()] == ["x"]
    assert (tmp_path / "x").read_bytes() == b"new"


def test_a_document_is_stored_once_under_its_hash(settings: Settings) -> None:
    first = store_document(settings, b"%PDF-1", ".pdf")
    written = (settings.documents / first.path).stat().st_mtime_ns
    assert store_document(settings, b"%PDF-1", ".pdf") == first
    sha256 = hashlib.sha256(b"%PDF-1").hexdigest()
    assert (first.sha256, first.path) == (sha256, f"{sha256[:2]}/{sha256}.pdf")
    assert first.size_bytes == 6
    assert (settings.documents / first.path).stat().st_mtime_ns == written
    assert load_document(settings, first.path, first.sha256) == b"%PDF-1"


def test_a_damaged_document_is_not_given_out(settings: Settings) -> None:
    stored = store_document(settings, b"%PDF-1", ".pdf")
    (settings.documents / stored.path).write_bytes(b"%PDF-2")
    with pytest.raises(DocumentStoreError, match="damaged"):
        load_document(settings, stored.path, stored.sha256)
    with pytest.raises(DocumentStoreError, match="damaged"):
        store_document(settings, b"%PDF-1", ".pdf")
    (settings.documents / stored.path).unlink()
    with pytest.raises(DocumentStoreError, match="missing"):
        load_document(settings, stored.path, stored.sha256)


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", "ab/../../x"])
def test_no_path_leads_out_of_the_store(settings: Settings, path: str) -> None:
    with pytest.raises(DocumentStoreError):
        load_document(settings, path, "0" * 64)


@pytest.mark.parametrize("suffix", ["pdf", "../x", ".pdf/..", ".PDF", ".", "", ".pdf\n"])
def test_a_suffix_is_a_suffix(settings: Settings, suffix: str) -> None:
    with pytest.raises(ValueError, match="suffix"):
        store_document(settings, b"x", suffix)


HOLDER = """
import sys, time
from pathlib import Path
from orchestration.lib.lock import writer_lock
from orchestration.settings import Settings
with writer_lock(Settings(home=Path(sys.argv[1]), project_root=Path("/"))):
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_second_writer_is_told_who_holds_the_lock(settings: Settings, tmp_path: Path) -> None:
    script = tmp_path / "tollhouse-run"
    script.write_text(HOLDER)
    command = [sys.executable, str(script), str(settings.home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(LockedError) as refused, writer_lock(settings, 0.2):
            pass
        assert f"process {holder.pid} (tollhouse-run" in str(refused.value)
        assert "\n" not in str(refused.value)
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        with writer_lock(settings, 5):
            pass


def test_the_lock_is_re_entrant_and_free_afterwards(settings: Settings) -> None:
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        with writer_lock(settings):
            with writer_lock(settings):
                pass
            assert pool.apply(_try_lock, (settings, 0.0)) == "held"
        assert pool.apply(_try_lock, (settings, 0.0)) == "free"
    assert not (settings.home / "writer.lock.holder").exists()


def test_a_forked_child_does_not_inherit_the_right_to_write(settings: Settings) -> None:
    with writer_lock(settings):
        child = os.fork()
        if child == 0:
            os._exit(0 if _try_lock(settings, 0.0) == "held" else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_waiting_writer_gets_its_turn(settings: Settings) -> None:
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        with writer_lock(settings):
            waiting = pool.apply_async(_try_lock, (settings, 20.0))
            time.sleep(0.3)
        assert waiting.get(20) == "free"


def _try_lock(settings: Settings, wait_seconds: float) -> str:
    try:
        with writer_lock(settings, wait_seconds):
            return "free"
    except LockedError:
        return "held"
