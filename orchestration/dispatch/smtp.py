"""E-mail over SMTP: one connection for many messages, the same Message-ID in every attempt."""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, parseaddr

from orchestration.dispatch.channel import (
    ChannelUnavailable,
    Delivery,
    DeliveryError,
    PermanentFailure,
    Receipt,
    TemporaryFailure,
    check_document_number,
    one_line,
    read_payload,
)
from orchestration.lib.errors import TollhouseError
from orchestration.settings import Smtp

CHANNEL = "email"
TIMEOUT_SECONDS = 30.0
IMPLICIT_TLS_PORT = 465
MESSAGE_TOO_LARGE = 552

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL_PART = re.compile(rf"{_ATOM}(\.{_ATOM})*")
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


def check_address(address: str) -> str:
    """Return an e-mail address that is safe on the wire, its domain in ASCII.

    Takes `local@domain.tld` and nothing around it, else raises `ValueError`. What needs quoting or
    SMTPUTF8 in the local part is refused: too many servers lose it.
    """
    local, at, domain = address.rpartition("@")
    try:
        ascii_domain = domain.encode("idna").decode("ascii")
    except UnicodeError:
        ascii_domain = ""
    labels = ascii_domain.split(".")
    if (
        not at
        or len(local) > 64
        or len(ascii_domain) > 253
        or not _LOCAL_PART.fullmatch(local)
        or len(labels) < 2
        or not all(_LABEL.fullmatch(label) for label in labels)
    ):
        raise ValueError("not an e-mail address")
    return f"{local}@{ascii_domain}"


class SmtpChannel:
    """A session with one mail server; connects on the first message and again when it must."""

    name = CHANNEL

    def __init__(self, server: Smtp, clock: Callable[[], datetime]) -> None:
        display_name, sender = parseaddr(server.sender)
        try:
            # A line break is no sender, whatever a lenient parser would make of the rest.
            self._sender = check_address(sender if server.sender.isprintable() else "")
        except ValueError as error:
            raise TollhouseError(
                f"the sender {server.sender!r} is not an e-mail address"
            ) from error
        self._domain = self._sender.rpartition("@")[2]
        self._from = Address(one_line(display_name), addr_spec=self._sender)
        self._server = server
        self._clock = clock
        self._connection: smtplib.SMTP | None = None

    def message_id(self, document: Delivery) -> str:
        """Return the Message-ID of a document, by which receivers recognise a second copy."""
        number = check_document_number(document.document_number)
        return f"<{number}.{self.name}@{self._domain}>"

    def send(self, document: Delivery) -> Receipt:
        """Send one message and return the server's acceptance; see `Channel.send`."""
        try:
            recipient = check_address(document.recipient)
        except ValueError as error:
            raise PermanentFailure("address", str(error)) from error
        message = self._compose(document, recipient)
        connection = self._connected()
        try:
            connection.send_message(message, self._sender, [recipient])
        except (smtplib.SMTPException, OSError) as error:
            raise self._failure(error) from error
        return Receipt("accepted", "250", "taken over by the mail server")

    def close(self) -> None:
        """Say goodbye to the server, if it still listens."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(smtplib.SMTPException, OSError):
                connection.quit()

    def _compose(self, document: Delivery, recipient: str) -> EmailMessage:
        message_id = self.message_id(document)
        payload = read_payload(document)
        message = EmailMessage(policy=SMTP_POLICY)
        try:
            message["From"] = self._from
            message["To"] = Address(addr_spec=recipient)
            message["Subject"] = one_line(document.subject)
            message["Date"] = format_datetime(self._clock())
            message["Message-ID"] = message_id
            message["Auto-Submitted"] = "auto-generated"
            message.set_content(document.text)
            if document.html:
                message.add_alternative(document.html, subtype="html")
            message.add_attachment(
                payload,
                maintype="application",
                subtype="pdf",
                filename=f"{document.document_number}.pdf",
            )
        except ValueError as error:
            # The text cannot be encoded (a lone surrogate): this document alone is at fault.
            raise PermanentFailure("message", f"cannot be written as e-mail: {error}") from error
        return message

    def _connected(self) -> smtplib.SMTP:
        if self._connection is None:
            try:
                self._connection = _connect(self._server, self._domain)
            except (smtplib.SMTPException, OSError) as error:
                where = f"{self._server.host}:{self._server.port}"
                raise ChannelUnavailable("connection", f"{where}: {_said(error)}") from error
        return self._connection

    def _failure(self, error: Exception) -> DeliveryError:
        """Say what a failed conversation means, and drop a connection that may be out of step."""
        if isinstance(error, smtplib.SMTPRecipientsRefused):
            code, said = next(iter(error.recipients.values()))
            return _by_code(code, said)
        if isinstance(error, smtplib.SMTPNotSupportedError):
            return PermanentFailure("message", str(error))
        if isinstance(error, smtplib.SMTPResponseException):
            if error.smtp_code == 421:
                self._drop()
            sender_refused = isinstance(error, smtplib.SMTPSenderRefused)
            if sender_refused and error.smtp_code >= 500 and error.smtp_code != MESSAGE_TOO_LARGE:
                # Our own address is at fault and no recipient: no document may fail for it.
                return ChannelUnavailable("sender", f"{error.smtp_code} {_said(error)}")
            return _by_code(error.smtp_code, error.smtp_error)
        # The line went dead. Whether the message got through is unknown: it goes again under the
        # same Message-ID.
        self._drop()
        return TemporaryFailure("connection", _said(error))

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


@contextmanager
def smtp_channel(server: Smtp, clock: Callable[[], datetime]) -> Iterator[SmtpChannel]:
    """Open the e-mail channel to a configured server; `clock` gives the `Date` of each message."""
    if not server.host:
        raise TollhouseError("no mail server: set TOLLHOUSE_SMTP_HOST")
    channel = SmtpChannel(server, clock)
    try:
        yield channel
    finally:
        channel.close()


def _connect(server: Smtp, own_name: str) -> smtplib.SMTP:
    """Connect and log in. We greet by the sender's domain: asking DNS for our own can hang."""
    context = ssl.create_default_context()
    connection: smtplib.SMTP
    if server.port == IMPLICIT_TLS_PORT:
        connection = smtplib.SMTP_SSL(
            server.host, server.port, own_name, timeout=TIMEOUT_SECONDS, context=context
        )
    else:
        connection = smtplib.SMTP(server.host, server.port, own_name, timeout=TIMEOUT_SECONDS)
    try:
        if connection.sock is not None:
            # Otherwise the end of each message waits about 40 ms for an acknowledgement.
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if server.use_starttls:
            connection.starttls(context=context)
        if server.user:
            if not server.use_starttls and server.port != IMPLICIT_TLS_PORT:
                raise smtplib.SMTPException("no password is sent without TLS")
            connection.login(server.user, server.password)
        connection.ehlo_or_helo_if_needed()
    except BaseException:
        connection.close()
        raise
    return connection


def _by_code(code: int, said: bytes | str) -> DeliveryError:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    if 500 <= code < 600:
        return PermanentFailure(str(code), text)
    return TemporaryFailure(str(code), text)


def _said(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return str(error) or type(error).__name__
