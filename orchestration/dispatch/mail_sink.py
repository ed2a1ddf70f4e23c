"""A mail server for the demo and the tests: real SMTP on this machine, messages kept as files."""

from __future__ import annotations

import asyncio
import hashlib
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.policy import default as default_policy
from pathlib import Path
from typing import Any

from orchestration.lib.errors import TollhouseError

HOST = "127.0.0.1"
START_SECONDS = 10.0

_KNOWN_AS = re.compile(r"<([A-Z0-9]+(?:-[A-Z0-9]+)*)\.[a-z]+@[^<>@\s]+>")


@contextmanager
def mail_sink(folder: Path) -> Iterator[tuple[str, int]]:
    """Take in mail while the block runs; each message is a file `<document number>.eml` to open.

    Yields host and port: this machine only, a free port. A second copy of a message becomes
    `<document number>.2.eml`, so that nothing sent twice goes unseen.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with serve_smtp(_Sink(folder)) as address:
        yield address


@contextmanager
def serve_smtp(handler: Any, **options: Any) -> Iterator[tuple[str, int]]:
    """Serve SMTP with an aiosmtpd handler on a free port of this machine while the block runs.

    `options` are those of `aiosmtpd.smtp.SMTP`, such as `tls_context`.
    """
    try:
        from aiosmtpd.smtp import SMTP
    except ImportError as error:
        raise TollhouseError("the demo's mail server needs the extra: tollhouse[demo]") from error
    # Bound before the server starts: no other process can take the port in between.
    listening = socket.create_server((HOST, 0))
    port = int(listening.getsockname()[1])
    loop = asyncio.new_event_loop()

    def protocol() -> asyncio.Protocol:
        made: asyncio.Protocol = SMTP(
            handler, hostname="localhost", loop=loop, timeout=60, **options
        )
        return made

    server = loop.run_until_complete(loop.create_server(protocol, sock=listening))
    thread = threading.Thread(target=loop.run_forever, name="mail-sink", daemon=True)
    thread.start()
    try:
        yield HOST, port
    finally:
        loop.call_soon_threadsafe(server.close)
        asyncio.run_coroutine_threadsafe(_cancel_all(), loop).result(START_SECONDS)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(START_SECONDS)
        loop.close()


async def _cancel_all() -> None:
    """End the conversations that clients left open."""
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


class _Sink:
    """Writes what arrives. File names come from the Message-ID only where it looks like ours."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        """Keep one message."""
        content = bytes(envelope.content)
        self._free(_stem(content)).write_bytes(content)
        return "250 OK"

    def _free(self, stem: str) -> Path:
        path, copy = self._folder / f"{stem}.eml", 2
        while path.exists():
            path, copy = self._folder / f"{stem}.{copy}.eml", copy + 1
        return path


def _stem(content: bytes) -> str:
    message = message_from_bytes(content, policy=default_policy)
    known = _KNOWN_AS.fullmatch(str(message.get("Message-ID", "")).strip())
    return known[1][:64] if known else hashlib.sha256(content).hexdigest()[:32]
