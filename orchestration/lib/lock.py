"""One writer at a time: the file lock of all that writes the warehouse or the exports."""

from __future__ import annotations

import json
import os
import shlex
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from orchestration.lib.errors import TollhouseError
from orchestration.lib.files import write_atomically
from orchestration.settings import Settings

COMMAND_LENGTH = 120


class LockedError(TollhouseError):
    """Another process holds the lock."""


@dataclass
class _Hold:
    """The lock of one file as this process holds it; `depth` counts the nested users."""

    lock: FileLock
    process_id: int
    depth: int


_guard = threading.Lock()
_holds: dict[Path, _Hold] = {}


@contextmanager
def writer_lock(settings: Settings, wait_seconds: float = 0) -> Iterator[None]:
    """Hold the house's single-writer lock, from the export to the end of dbt.

    Waits up to `wait_seconds` and then raises `LockedError`, which names the holder. Re-entrant: a
    process that holds it gets it again, in every thread. The operating system frees it when the
    process dies, however it dies.
    """
    with file_lock(settings.home / "writer.lock", wait_seconds):
        yield


@contextmanager
def file_lock(path: Path, wait_seconds: float = 0) -> Iterator[None]:
    """Hold the lock on `path`, with the contract of `writer_lock`."""
    path = path.absolute()
    _enter(path, wait_seconds)
    try:
        yield
    finally:
        _leave(path)


def _enter(path: Path, wait_seconds: float) -> None:
    with _guard:
        hold = _holds.get(path)
        # A forked child inherits this table but not the right to write: it must queue.
        if hold is not None and hold.process_id == os.getpid():
            hold.depth += 1
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path, thread_local=False)
        try:
            lock.acquire(timeout=wait_seconds)
        except Timeout:
            raise LockedError(f"{path.name} is held by {_holder(path)}; try again later") from None
        try:
            note = {"pid": os.getpid(), "command": _command()}
            write_atomically(_note(path), json.dumps(note).encode())
        except BaseException:
            lock.release()
            raise
        _holds[path] = _Hold(lock, os.getpid(), 1)


def _leave(path: Path) -> None:
    with _guard:
        hold = _holds[path]
        hold.depth -= 1
        if hold.depth == 0:
            del _holds[path]
            _note(path).unlink(missing_ok=True)
            hold.lock.release()


def _note(path: Path) -> Path:
    return path.with_name(path.name + ".holder")


def _command() -> str:
    words = [Path(sys.argv[0]).name or "python", *sys.argv[1:]]
    return shlex.join(words)[:COMMAND_LENGTH]


def _holder(path: Path) -> str:
    """Describe who holds the lock: advice only, the note may be missing or a moment old."""
    try:
        note = json.loads(_note(path).read_text())
        return f"process {int(note['pid'])} ({str(note['command']).splitlines()[0]})"
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        return "another process"
