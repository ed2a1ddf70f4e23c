"""An order to rate billed usage again: what it covers, and its row in the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select

from orchestration.ledger.schema import frozen_files, rerating_orders
from orchestration.ledger.store import Ledger, append_row
from orchestration.lib.errors import TollhouseError


class RerateError(TollhouseError):
    """Nothing can be rated again as asked; one line says why, and nothing was written."""


@dataclass(frozen=True)
class Order:
    """Billed usage of the days from `usage_from` up to but without `usage_to`.

    Days are the account's local ones; plan and zone are those the usage was billed by. None is any.
    Raises `RerateError` when the days are none.
    """

    usage_from: date
    usage_to: date
    billing_account_id: str | None = None
    plan_id: str | None = None
    zone_id: str | None = None

    def __post_init__(self) -> None:
        if self.usage_from >= self.usage_to:
            raise RerateError(
                f"from {self.usage_from} up to {self.usage_to} is no day: "
                "--to is the first day that is left alone"
            )

    def __str__(self) -> str:
        parts = (
            ("account", self.billing_account_id),
            ("plan", self.plan_id),
            ("zone", self.zone_id),
        )
        named = "".join(f" of {what} {value}" for what, value in parts if value is not None)
        return f"usage from {self.usage_from} up to {self.usage_to}{named}"


def post_order(ledger: Ledger, order: Order, reason: str) -> str:
    """Write an order to the ledger and return its id; its person is the operating system's user.

    It covers what is issued by now, so that the next pass of an account carries it out, once.
    Raises `RerateError` without a reason.
    """
    reason = " ".join(reason.split())
    if not reason:
        raise RerateError("a reason is needed to order that usage is rated again")
    with ledger.write() as connection:
        issued = connection.scalar(select(func.max(frozen_files.c.sequence)))
        number = connection.scalar(select(func.count()).select_from(rerating_orders)) or 0
        order_id = f"rerating-{number + 1:04}"
        append_row(
            connection,
            rerating_orders,
            order_id=order_id,
            issued_sequence=issued or 0,
            reason=reason,
            **vars(order),
        )
    return order_id
