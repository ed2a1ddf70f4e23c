"""The outbox: each document goes out once, and the ledger knows of every try before it is made."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from orchestration.dispatch.channel import (
    Channel,
    ChannelUnavailable,
    Delivery,
    DeliveryError,
    Receipt,
    TemporaryFailure,
    mask_addresses,
)
from orchestration.ledger.schema import delivery_attempts, delivery_outcomes
from orchestration.ledger.store import Ledger, append_row

logger = logging.getLogger(__name__)

_CHUNK = 1000

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class RetryPolicy:
    """How long to wait before each further round over the documents that failed for the moment."""

    delays_seconds: tuple[float, ...] = (1.0, 5.0, 15.0)


@dataclass(frozen=True)
class UnsentDelivery:
    """A document that did not get out, and why."""

    document_number: str
    channel: str
    code: str
    reason: str


@dataclass(frozen=True)
class DispatchSummary:
    """What a dispatch did: every delivery is in exactly one of the four counts.

    `failed` will not be tried again unless its address or document changes, or a file is repaired;
    `pending` is tried by the next dispatch.
    """

    accepted_count: int
    already_sent_count: int
    failed: tuple[UnsentDelivery, ...]
    pending: tuple[UnsentDelivery, ...]
    attempt_count: int


@dataclass(frozen=True)
class _Past:
    """What the ledger knows of one idempotency key."""

    attempt_count: int = 0
    is_sent: bool = False
    final: UnsentDelivery | None = None
    final_for: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class _Try:
    """One delivery in this run; `error` is why its last try did not succeed."""

    delivery: Delivery
    attempt_count: int
    error: DeliveryError | None = None


def dispatch_documents(
    ledger: Ledger,
    channels: Mapping[str, Channel],
    deliveries: Iterable[Delivery],
    progress: Progress | None = None,
    retry: RetryPolicy | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> DispatchSummary:
    """Send what has not been sent, at most one dispatch at a time per ledger.

    An attempt is committed before its call and its outcome after it. A key that was accepted or
    delivered is never sent again; an attempt without an outcome (a crash) is sent again under the
    same message id. Failures of the moment are tried again in rounds, so that the waiting does not
    grow with their number. `progress` gets (done, total).
    """
    with ledger.exclusive("dispatch"):
        return _dispatch(ledger, channels, deliveries, progress, retry or RetryPolicy(), sleep)


def _dispatch(
    ledger: Ledger,
    channels: Mapping[str, Channel],
    deliveries: Iterable[Delivery],
    progress: Progress | None,
    retry: RetryPolicy,
    sleep: Callable[[float], None],
) -> DispatchSummary:
    wanted = {delivery.idempotency_key: delivery for delivery in deliveries}
    with ledger.read() as connection:
        past = _read_past(connection, list(wanted))
    run = _Run(ledger, channels, progress, len(wanted))
    tries = [
        waiting
        for key, delivery in wanted.items()
        if (waiting := run.admit(delivery, past.get(key, _Past()))) is not None
    ]
    tries = run.round(tries)
    for delay in retry.delays_seconds:
        if not tries:
            break
        sleep(delay)
        tries = run.round(tries)
    pending = tuple(_unsent(waiting.delivery, waiting.error) for waiting in tries)
    return DispatchSummary(
        accepted_count=run.accepted_count,
        already_sent_count=run.already_sent_count,
        failed=tuple(run.failed),
        pending=pending + tuple(run.unrouted),
        attempt_count=run.attempt_count,
    )


class _Run:
    """The counts of one dispatch while it goes on."""

    def __init__(
        self,
        ledger: Ledger,
        channels: Mapping[str, Channel],
        progress: Progress | None,
        total: int,
    ) -> None:
        self._ledger = ledger
        self._channels = channels
        self._progress = progress
        self._total = total
        self.accepted_count = 0
        self.already_sent_count = 0
        self.attempt_count = 0
        self.failed: list[UnsentDelivery] = []
        self.unrouted: list[UnsentDelivery] = []

    def admit(self, delivery: Delivery, past: _Past) -> _Try | None:
        """Decide from the ledger whether a delivery is to be tried at all."""
        if past.is_sent:
            self.already_sent_count += 1
        elif past.final and past.final_for == (delivery.recipient, delivery.pdf_sha256):
            self.failed.append(past.final)
        elif delivery.channel not in self._channels:
            missing = f"no channel {delivery.channel!r} is set up"
            self.unrouted.append(
                UnsentDelivery(delivery.document_number, delivery.channel, "channel", missing)
            )
        else:
            return _Try(delivery, past.attempt_count)
        self._report()
        return None

    def round(self, tries: Sequence[_Try]) -> list[_Try]:
        """Try each delivery once; return those worth another round."""
        again: list[_Try] = []
        closed: dict[str, ChannelUnavailable] = {}
        for waiting in tries:
            delivery = waiting.delivery
            if delivery.channel in closed:
                again.append(_Try(delivery, waiting.attempt_count, closed[delivery.channel]))
                continue
            error = self._try(delivery, waiting.attempt_count + 1)
            if isinstance(error, ChannelUnavailable):
                closed[delivery.channel] = error
            if isinstance(error, TemporaryFailure):
                again.append(_Try(delivery, waiting.attempt_count + 1, error))
                continue
            if error is not None:
                self.failed.append(_unsent(delivery, error))
            else:
                self.accepted_count += 1
            self._report()
        return again

    def _try(self, delivery: Delivery, attempt_number: int) -> DeliveryError | None:
        """Make one attempt: note it, make it, note how it ended."""
        channel = self._channels[delivery.channel]
        try:
            message_id = channel.message_id(delivery)
        except DeliveryError as error:
            # It has no name the other side could know it by: nothing was attempted.
            return error
        with self._ledger.write() as connection:
            attempt_sequence = append_row(
                connection,
                delivery_attempts,
                idempotency_key=delivery.idempotency_key,
                document_id=delivery.document_id,
                channel=delivery.channel,
                recipient=delivery.recipient,
                attempt_number=attempt_number,
                message_id=message_id,
                payload_sha256=delivery.pdf_sha256,
            )
        self.attempt_count += 1
        outcome: Receipt | DeliveryError
        try:
            outcome = channel.send(delivery)
        except DeliveryError as error:
            outcome = error
        state = outcome.state if isinstance(outcome, Receipt) else "failed"
        with self._ledger.write() as connection:
            append_row(
                connection,
                delivery_outcomes,
                attempt_sequence=attempt_sequence,
                state=state,
                code=outcome.code,
                reason=outcome.reason,
            )
        _log(delivery, attempt_number, state, outcome)
        return outcome if isinstance(outcome, DeliveryError) else None

    def _report(self) -> None:
        if self._progress is not None:
            done = self.accepted_count + self.already_sent_count
            self._progress(done + len(self.failed) + len(self.unrouted), self._total)


def _read_past(connection: Connection, keys: Sequence[str]) -> dict[str, _Past]:
    """Read all earlier attempts at these keys. The latest outcome of an attempt counts: a bounce
    after an acceptance is a failure.
    """
    attempts, outcomes = delivery_attempts.c, delivery_outcomes.c
    past: dict[str, _Past] = {}
    for start in range(0, len(keys), _CHUNK):
        query = (
            select(*attempts, outcomes.state, outcomes.code, outcomes.reason)
            .join_from(
                delivery_attempts,
                delivery_outcomes,
                outcomes.attempt_sequence == attempts.sequence,
                isouter=True,
            )
            .where(attempts.idempotency_key.in_(keys[start : start + _CHUNK]))
            .order_by(attempts.sequence, outcomes.sequence)
        )
        latest = {row.sequence: row for row in connection.execute(query)}
        for row in latest.values():
            before = past.get(row.idempotency_key, _Past())
            final = None
            if row.state == "failed" and _is_final(row.code):
                number = row.idempotency_key.rpartition(":")[0]
                final = UnsentDelivery(number, row.channel, row.code, row.reason)
            past[row.idempotency_key] = _Past(
                attempt_count=row.attempt_number,
                is_sent=before.is_sent or row.state in ("accepted", "delivered"),
                final=final,
                final_for=(row.recipient, row.payload_sha256),
            )
    return past


def _is_final(code: str) -> bool:
    """Tell a refusal by the receiver (SMTP 5xx, no such address) from what we can repair."""
    return code == "address" or (len(code) == 3 and code.startswith("5"))


def _unsent(delivery: Delivery, error: DeliveryError | None) -> UnsentDelivery:
    code, reason = (error.code, error.reason) if error else ("", "")
    return UnsentDelivery(delivery.document_number, delivery.channel, code, reason)


def _log(
    delivery: Delivery, attempt_number: int, state: str, outcome: Receipt | DeliveryError
) -> None:
    """Log without personal data: the e-mail address masked, the postal address not at all."""
    recipient = mask_addresses(delivery.recipient) if "@" in delivery.recipient else "a letter"
    logger.log(
        logging.WARNING if state == "failed" else logging.INFO,
        "%s to %s: attempt %d %s (%s %s)",
        delivery.idempotency_key,
        recipient,
        attempt_number,
        state,
        outcome.code,
        mask_addresses(outcome.reason),
    )
