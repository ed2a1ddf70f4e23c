"""Every document goes out once, by real SMTP, and the ledger knows of each try."""

from __future__ import annotations

import hashlib
import io
import logging
import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as default_policy
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult
from pypdf import PdfWriter
from sqlalchemy import select

from orchestration.dispatch.channel import (
    Delivery,
    PermanentFailure,
    Receipt,
    mask_addresses,
    one_line,
)
from orchestration.dispatch.mail_sink import mail_sink, serve_smtp
from orchestration.dispatch.outbox import DispatchSummary, RetryPolicy, dispatch_documents
from orchestration.dispatch.smtp import SmtpChannel, check_address, smtp_channel
from orchestration.ledger.schema import delivery_attempts, delivery_outcomes
from orchestration.ledger.store import Ledger, open_ledger
from orchestration.lib.errors import TollhouseError
from orchestration.settings import Settings, Smtp

SENT_AT = datetime(2026, 11, 2, 6, 30, tzinfo=UTC)
CERTIFICATE = Path(__file__).parent / "tls" / "certificate.pem"
SENDER = "Nordwind Mobil <billing@nordwind.example>"


def make_pdf(pages: int = 1) -> bytes:
    writer, stream = PdfWriter(), io.BytesIO()
    for _ in range(pages):
        writer.add_blank_page(595, 842)
    writer.write(stream)
    return stream.getvalue()


@pytest.fixture
def house(settings: Settings) -> Ledger:
    return open_ledger(settings.ledger_url)


@pytest.fixture
def delivery(tmp_path: Path) -> Delivery:
    path = tmp_path / "invoice.pdf"
    path.write_bytes(make_pdf())
    return Delivery(
        document_id="d1",
        document_number="NW-R-2026-000001",
        channel="email",
        recipient="anna@example.org",
        pdf_path=path,
        pdf_sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        subject="Ihre Rechnung für Oktober",
        text="Guten Tag José",
        html="<p>Guten Tag José</p>",
    )


def numbered(delivery: Delivery, count: int) -> list[Delivery]:
    return [
        replace(
            delivery,
            document_id=f"d{number}",
            document_number=f"NW-R-2026-{number:06d}",
            recipient=f"anna{number}@example.org",
        )
        for number in range(1, count + 1)
    ]


@contextmanager
def channel_to(address: tuple[str, int], **other: Any) -> Iterator[SmtpChannel]:
    server = Smtp(host=address[0], port=address[1], sender=SENDER, **other)
    with smtp_channel(server, lambda: SENT_AT) as channel:
        yield channel


def dispatch(
    ledger: Ledger, channel: Any, deliveries: list[Delivery], **options: Any
) -> DispatchSummary:
    options = {"retry": RetryPolicy((1.0, 2.0)), "sleep": lambda _: None} | options
    return dispatch_documents(ledger, {channel.name: channel}, deliveries, **options)


def history(ledger: Ledger) -> list[tuple[str, int, str | None, str | None]]:
    attempts, outcomes = delivery_attempts.c, delivery_outcomes.c
    query = (
        select(attempts.idempotency_key, attempts.attempt_number, outcomes.state, outcomes.code)
        .outerjoin_from(
            delivery_attempts, delivery_outcomes, outcomes.attempt_sequence == attempts.sequence
        )
        .order_by(attempts.sequence, outcomes.sequence)
    )
    with ledger.read() as connection:
        return [tuple(row) for row in connection.execute(query)]  # type: ignore[misc]


def read_message(path: Path) -> EmailMessage:
    message = message_from_bytes(path.read_bytes(), policy=default_policy)
    assert isinstance(message, EmailMessage)
    return message


class Scripted:
    """A mail server that answers as it is told; `mail` holds the Message-IDs it accepted."""

    def __init__(
        self,
        rcpt: Callable[[str], str] | None = None,
        data: Callable[[str], str] | None = None,
        sender: Callable[[str], str] | None = None,
    ) -> None:
        self._rcpt, self._data, self._sender = rcpt, data, sender
        self.mail: list[str] = []
        self.tried: list[str] = []
        self.connections: set[Any] = set()

    async def handle_MAIL(self, _s: Any, _e: Any, envelope: Any, address: str, _o: Any) -> str:
        answer = self._sender(address) if self._sender else "250 OK"
        if answer.startswith("2"):
            envelope.mail_from = address
        return answer

    async def handle_RCPT(self, _s: Any, _e: Any, envelope: Any, address: str, _o: Any) -> str:
        self.tried.append(address)
        answer = self._rcpt(address) if self._rcpt else "250 OK"
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.connections.add(session.peer)
        message = message_from_bytes(envelope.content, policy=default_policy)
        message_id = str(message["Message-ID"])
        answer = self._data(message_id) if self._data else "250 OK"
        if answer == "hang up":
            self.mail.append(message_id)
            server.transport.abort()
            return "250 never arrives"
        if answer.startswith("2"):
            self.mail.append(message_id)
        return answer


def first_times(count: int, answer: str) -> Callable[[str], str]:
    """Answer so for the first calls, then accept."""
    left = count

    def respond(_: str) -> str:
        nonlocal left
        left -= 1
        return answer if left >= 0 else "250 OK"

    return respond


def test_a_message_arrives_as_it_was_meant(
    house: Ledger, settings: Settings, delivery: Delivery
) -> None:
    folder = settings.outbox / "mail"
    with mail_sink(folder) as address, channel_to(address) as channel:
        summary = dispatch(house, channel, [delivery])
    assert (summary.accepted_count, summary.failed, summary.pending) == (1, (), ())
    message = read_message(folder / "NW-R-2026-000001.eml")
    assert message["From"] == SENDER
    assert message["To"] == "anna@example.org"
    assert message["Subject"] == "Ihre Rechnung für Oktober"
    assert message["Date"].datetime == SENT_AT
    assert message["Message-ID"] == "<NW-R-2026-000001.email@nordwind.example>"
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().strip() == "Guten Tag José"
    assert html.get_content().strip() == "<p>Guten Tag José</p>"
    (attachment,) = message.iter_attachments()
    assert attachment.get_filename() == "NW-R-2026-000001.pdf"
    assert attachment.get_content() == delivery.pdf_path.read_bytes()
    assert history(house) == [("NW-R-2026-000001:email", 1, "accepted", "250")]


# TLS: a server whose self-made certificate is trusted by SSL_CERT_FILE, as OpenSSL reads it.


class Encrypted(Scripted):
    """Notes for every message whether it came over TLS."""

    def __init__(self) -> None:
        super().__init__()
        self.over_tls: list[bool] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.over_tls.append(session.ssl is not None)
        return await super().handle_DATA(server, session, envelope)


def _login(_server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
    is_right = (given.login, given.password) == (b"billing", b"secret")
    # Not handled: the server itself answers a refused login with 535.
    return AuthResult(success=is_right, handled=is_right)


@pytest.fixture
def tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE, CERTIFICATE.with_name("key.pem"))
    return context


@pytest.mark.parametrize(("password", "accepted_count"), [("secret", 1), ("wrong", 0)])
def test_starttls_encrypts_login_and_messages(
    house: Ledger,
    delivery: Delivery,
    tls: ssl.SSLContext,
    monkeypatch: pytest.MonkeyPatch,
    password: str,
    accepted_count: int,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    server = Encrypted()
    options = {"tls_context": tls, "require_starttls": True, "authenticator": _login}
    login = {"use_starttls": True, "user": "billing", "password": password}
    with serve_smtp(server, **options) as address, channel_to(address, **login) as channel:
        summary = dispatch(house, channel, [delivery])
    assert summary.accepted_count == accepted_count
    assert server.over_tls == [True] * accepted_count
    assert password not in "".join(f"{one.code} {one.reason}" for one in summary.pending)
    assert len(summary.pending) == 1 - accepted_count


def test_a_certificate_that_nobody_vouches_for_gets_no_message(
    house: Ledger, delivery: Delivery, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    server = Encrypted()
    with (
        serve_smtp(server, tls_context=tls) as address,
        channel_to(address, use_starttls=True) as channel,
    ):
        summary = dispatch(house, channel, [delivery])
    (pending,) = summary.pending
    assert "certificate" in pending.reason
    assert server.tried == server.mail == []


def test_without_starttls_on_the_other_side_nothing_is_sent_in_the_clear(
    house: Ledger, delivery: Delivery
) -> None:
    server = Encrypted()
    with serve_smtp(server) as address, channel_to(address, use_starttls=True) as channel:
        summary = dispatch(house, channel, [delivery])
    (pending,) = summary.pending
    assert "STARTTLS" in pending.reason
    assert server.tried == server.mail == []


def test_a_second_dispatch_sends_nothing(
    house: Ledger, settings: Settings, delivery: Delivery
) -> None:
    deliveries, seen = numbered(delivery, 5), []
    folder = settings.outbox / "mail"
    with mail_sink(folder) as address, channel_to(address) as channel:
        dispatch(house, channel, deliveries[:3])
        again = dispatch(
            house, channel, [*deliveries, deliveries[0]], progress=lambda *at: seen.append(at)
        )
    assert (again.accepted_count, again.already_sent_count, again.attempt_count) == (2, 3, 2)
    assert sorted(path.name for path in folder.iterdir()) == [
        f"NW-R-2026-{number:06d}.eml" for number in range(1, 6)
    ]
    assert seen[-1] == (5, 5)
    assert [done for done, _ in seen] == [1, 2, 3, 4, 5]


def test_one_connection_serves_many_messages(house: Ledger, delivery: Delivery) -> None:
    server = Scripted()
    with serve_smtp(server) as address, channel_to(address) as channel:
        dispatch(house, channel, numbered(delivery, 20))
    assert len(server.mail) == 20
    assert len(server.connections) == 1


def test_the_attempt_is_in_the_ledger_before_the_call(house: Ledger, delivery: Delivery) -> None:
    seen: list[Any] = []

    class Spy:
        name = "email"

        def message_id(self, document: Delivery) -> str:
            return f"<{document.document_number}>"

        def send(self, document: Delivery) -> Receipt:
            other = open_ledger(house.engine.url.render_as_string())
            seen.extend(history(other))
            other.engine.dispose()
            return Receipt("accepted", "250", "ok")

    dispatch(house, Spy(), [delivery])
    assert seen == [("NW-R-2026-000001:email", 1, None, None)]


def test_after_a_crash_between_call_and_outcome_the_same_message_id_goes_again(
    house: Ledger, delivery: Delivery
) -> None:
    class Crash(BaseException):
        pass

    server = Scripted()
    with serve_smtp(server) as address, channel_to(address) as channel:

        class Crashing:
            name = channel.name
            message_id = channel.message_id

            def send(self, document: Delivery) -> Receipt:
                channel.send(document)
                raise Crash

        with pytest.raises(Crash):
            dispatch(house, Crashing(), [delivery])
        summary = dispatch(house, channel, [delivery])
    assert summary.accepted_count == 1
    assert server.mail == ["<NW-R-2026-000001.email@nordwind.example>"] * 2
    assert history(house) == [
        ("NW-R-2026-000001:email", 1, None, None),
        ("NW-R-2026-000001:email", 2, "accepted", "250"),
    ]


def test_a_refusal_of_the_moment_is_tried_again_in_rounds(
    house: Ledger, delivery: Delivery
) -> None:
    server, waits = Scripted(rcpt=first_times(4, "451 greylisted")), list[float]()
    with serve_smtp(server) as address, channel_to(address) as channel:
        summary = dispatch(house, channel, numbered(delivery, 3), sleep=waits.append)
    assert (summary.accepted_count, summary.attempt_count) == (3, 7)
    assert waits == [1.0, 2.0], "one wait a round, whatever the number of messages"
    assert sorted(server.mail) == sorted(set(server.mail))


def test_tries_are_limited_and_the_next_dispatch_goes_on(house: Ledger, delivery: Delivery) -> None:
    server = Scripted(data=first_times(3, "452 full"))
    with serve_smtp(server) as address, channel_to(address) as channel:
        first = dispatch(house, channel, [delivery])
        second = dispatch(house, channel, [delivery])
    assert first.attempt_count == 3
    (pending,) = first.pending
    assert (pending.code, pending.reason) == ("452", "full")
    assert second.accepted_count == 1
    assert [row[1:] for row in history(house)] == [
        (1, "failed", "452"),
        (2, "failed", "452"),
        (3, "failed", "452"),
        (4, "accepted", "250"),
    ]


def test_a_final_refusal_is_not_repeated_until_the_address_changes(
    house: Ledger, delivery: Delivery
) -> None:
    server = Scripted(rcpt=lambda to: "550 no such user" if to == "anna@example.org" else "250 OK")
    with serve_smtp(server) as address, channel_to(address) as channel:
        first = dispatch(house, channel, [delivery])
        second = dispatch(house, channel, [delivery])
        third = dispatch(house, channel, [replace(delivery, recipient="anna.b@example.org")])
    assert [(each.code, each.reason) for each in first.failed] == [("550", "no such user")]
    assert second.failed == first.failed
    assert (first.attempt_count, second.attempt_count, third.accepted_count) == (1, 0, 1)


def test_one_refused_message_does_not_stop_the_others(house: Ledger, delivery: Delivery) -> None:
    server = Scripted(data=lambda name: "554 looks like spam" if "000002" in name else "250 OK")
    with serve_smtp(server) as address, channel_to(address) as channel:
        summary = dispatch(house, channel, numbered(delivery, 4))
    assert summary.accepted_count == 3
    assert [each.document_number for each in summary.failed] == ["NW-R-2026-000002"]


def test_a_line_gone_dead_is_opened_again(house: Ledger, delivery: Delivery) -> None:
    server = Scripted(data=first_times(1, "hang up"))
    with serve_smtp(server) as address, channel_to(address) as channel:
        summary = dispatch(house, channel, numbered(delivery, 3))
    assert (summary.accepted_count, summary.attempt_count) == (3, 4)
    assert server.mail.count("<NW-R-2026-000001.email@nordwind.example>") == 2
    assert len(server.connections) == 2


def test_a_server_that_says_421_is_called_again(house: Ledger, delivery: Delivery) -> None:
    server = Scripted(data=first_times(1, "421 too many messages"))
    with serve_smtp(server) as address, channel_to(address) as channel:
        assert dispatch(house, channel, numbered(delivery, 3)).accepted_count == 3


def test_when_no_server_answers_one_document_a_round_finds_out(
    house: Ledger, delivery: Delivery
) -> None:
    with serve_smtp(Scripted()) as address:
        pass
    with channel_to(address) as channel:
        summary = dispatch(house, channel, numbered(delivery, 50))
    assert summary.attempt_count == 3
    assert len(summary.pending) == 50
    assert {each.code for each in summary.pending} == {"connection"}


def test_a_refused_sender_fails_no_document(house: Ledger, delivery: Delivery) -> None:
    server = Scripted(sender=lambda _: "550 we do not know you")
    with serve_smtp(server) as address, channel_to(address) as channel:
        summary = dispatch(house, channel, numbered(delivery, 5))
    assert (len(summary.pending), summary.failed) == (5, ())
    assert "we do not know you" in summary.pending[0].reason


def test_a_document_without_a_channel_waits(house: Ledger, delivery: Delivery) -> None:
    summary = dispatch_documents(house, {}, [delivery])
    assert [each.reason for each in summary.pending] == ["no channel 'email' is set up"]
    assert history(house) == []


def test_a_changed_or_missing_pdf_never_leaves(house: Ledger, delivery: Delivery) -> None:
    server = Scripted()
    with serve_smtp(server) as address, channel_to(address) as channel:
        whole = delivery.pdf_path.read_bytes()
        delivery.pdf_path.write_bytes(whole + b"!")
        assert dispatch(house, channel, [delivery]).failed[0].code == "payload"
        delivery.pdf_path.unlink()
        assert dispatch(house, channel, [delivery]).failed[0].code == "payload"
        delivery.pdf_path.write_bytes(whole)
        assert dispatch(house, channel, [delivery]).accepted_count == 1
    assert len(server.mail) == 1


HOSTILE_ADDRESSES = [
    "",
    "anna",
    "anna@",
    "@example.org",
    "anna@example",
    "anna@example.org\r\nBcc: all@example.org",
    "anna@example.org\nBcc: all@example.org",
    "anna@example.org\n",
    " anna@example.org",
    "anna@example.org, all@example.org",
    "anna@example.org,all@example.org",
    "Anna <anna@example.org>",
    "<anna@example.org>",
    "anna@exam ple.org",
    "anna@example.org>\r\nRCPT TO:<all@example.org",
    "anna@@example.org",
    ".anna@example.org",
    "an..na@example.org",
    "anna@-example.org",
    "anna@example..org",
    '"anna@x"@example.org',
    "ännä@example.org",
    "anna\x00@example.org",
    "anna@[127.0.0.1]",
    "a" * 65 + "@example.org",
    "anna@" + "e" * 64 + ".org",
    "anna@example.org\u2028Bcc: x",
]


@pytest.mark.parametrize("address", HOSTILE_ADDRESSES)
def test_what_is_not_one_address_is_not_sent(
    house: Ledger, delivery: Delivery, address: str
) -> None:
    server = Scripted()
    with serve_smtp(server) as sink, channel_to(sink) as channel:
        summary = dispatch(house, channel, [replace(delivery, recipient=address)])
    assert [each.code for each in summary.failed] == ["address"]
    assert server.tried == []


@pytest.mark.parametrize(
    ("address", "on_the_wire"),
    [
        ("anna+bill@example.org", "anna+bill@example.org"),
        ("o'hara@mail.example.org", "o'hara@mail.example.org"),
        ("anna@bücher.example", "anna@xn--bcher-kva.example"),
    ],
)
def test_unusual_addresses_are_understood(address: str, on_the_wire: str) -> None:
    assert check_address(address) == on_the_wire


@pytest.mark.parametrize(
    "subject",
    [
        "Rechnung\r\nBcc: all@example.org",
        "Rechnung\nX-Evil: 1\n\nbody",
        "Rechnung\rBcc: all@example.org",
        "Rechnung\x00\u2028Bcc: all@example.org",
        "x" * 2000,
    ],
)
def test_no_text_becomes_a_header(
    house: Ledger, settings: Settings, delivery: Delivery, subject: str
) -> None:
    folder = settings.outbox / "mail"
    text = ".\r\nMAIL FROM:<evil@example.org>\r\n.\r\nBcc: all@example.org"
    hostile = replace(delivery, subject=subject, text=text)
    with mail_sink(folder) as address, channel_to(address) as channel:
        assert dispatch(house, channel, [hostile]).accepted_count == 1
    message = read_message(folder / "NW-R-2026-000001.eml")
    assert message["Bcc"] is None
    assert message["X-Evil"] is None
    assert len(list(folder.iterdir())) == 1
    body = message.get_body(("plain",))
    assert body is not None
    assert body.get_content().split() == text.split()


def test_a_text_that_no_mail_can_hold_fails_alone(house: Ledger, delivery: Delivery) -> None:
    first, second = numbered(delivery, 2)
    with serve_smtp(Scripted()) as address, channel_to(address) as channel:
        summary = dispatch(house, channel, [replace(first, text="\ud800"), second])
    assert [each.code for each in summary.failed] == ["message"]
    assert summary.accepted_count == 1


@pytest.mark.parametrize(
    "number", ["../../etc/x", "a/b", "NW-R\r\nBcc: x", "NW R", "", "nw-1", "NW-", "N" * 65, "NW\n"]
)
def test_a_number_that_is_none_is_not_sent(house: Ledger, delivery: Delivery, number: str) -> None:
    server = Scripted()
    with serve_smtp(server) as address, channel_to(address) as channel:
        summary = dispatch(house, channel, [replace(delivery, document_number=number)])
    assert [each.code for each in summary.failed] == ["document_number"]
    assert server.tried == []


@pytest.mark.parametrize(
    "message_id",
    ["<../../../evil.email@x>", "<NW-1/../../x.email@x>", "nonsense", "", "<nw-1.email@x>"],
)
def test_the_sink_names_no_file_after_a_stranger(tmp_path: Path, message_id: str) -> None:
    folder = tmp_path / "deep" / "mail"
    with mail_sink(folder) as (host, port), smtplib.SMTP(host, port, "test") as connection:
        content = f"Message-ID: {message_id}\r\nSubject: x\r\n\r\nbody\r\n"
        connection.sendmail("a@example.org", ["b@example.org"], content)
    (kept,) = (tmp_path / "deep").rglob("*.eml")
    assert kept.parent == folder
    assert len(kept.stem) == 32


def test_the_sink_shows_a_second_copy(tmp_path: Path, delivery: Delivery) -> None:
    with mail_sink(tmp_path / "mail") as address, channel_to(address) as channel:
        channel.send(delivery)
        channel.send(delivery)
    names = sorted(path.name for path in (tmp_path / "mail").iterdir())
    assert names == ["NW-R-2026-000001.2.eml", "NW-R-2026-000001.eml"]


def test_the_log_hides_addresses(
    house: Ledger, delivery: Delivery, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server = Scripted(rcpt=lambda to: f"550 <{to}> unknown; ask postmaster@example.org")
    with serve_smtp(server) as address, channel_to(address) as channel:
        dispatch(house, channel, [delivery])
    ours = [entry.getMessage() for entry in caplog.records if "orchestration" in entry.name]
    assert any("a***@example.org" in line for line in ours)
    assert not any("anna@" in line or "postmaster@" in line for line in ours)


def test_texts_are_cut_down_to_one_line() -> None:
    assert one_line("a\r\nb\x1b[31m\tc\u2029d") == "a b [31m c d"
    assert mask_addresses("to anna@x.org and b@y.org") == "to a***@x.org and b***@y.org"
    assert len(PermanentFailure("550", "x" * 5000).reason) == 300


def test_no_password_without_tls(delivery: Delivery) -> None:
    with (
        serve_smtp(Scripted()) as address,
        channel_to(address, user="u", password="p") as channel,
        pytest.raises(TollhouseError, match="without TLS"),
    ):
        channel.send(delivery)


def test_a_missing_or_wrong_setting_is_one_line() -> None:
    unset = pytest.raises(TollhouseError, match="TOLLHOUSE_SMTP_HOST")
    with unset, smtp_channel(Smtp(), lambda: SENT_AT):
        pass
    for sender in ("nobody", "a@x.org\r\nBcc: b@x.org", ""):
        with pytest.raises(TollhouseError, match="not an e-mail address"):
            SmtpChannel(Smtp(host="x", sender=sender), lambda: SENT_AT)


def test_the_sink_without_its_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "aiosmtpd.smtp", None)
    with pytest.raises(TollhouseError, match=r"tollhouse\[demo\]"), serve_smtp(object()):
        pass
