"""The tables of the ledger: append-only, the only state of the house that cannot be computed again.

`LEDGER_TABLES` lists them in the order in which they are exported. `migrations/` makes them; a test
holds the two equal.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Dialect,
    ForeignKey,
    Integer,
    MetaData,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import TypeDecorator, TypeEngine

from orchestration.ledger.actor import current_actor

PRECISION, SCALE = 18, 4
_UNIT = Decimal(1).scaleb(-SCALE)
_LIMIT = Decimal(10) ** (PRECISION - SCALE)


def exact_amount(value: object) -> Decimal:
    """Return `value` as a decimal of exactly four places, or refuse it; nothing is ever rounded.

    Raises `TypeError` for anything but `Decimal` and `int` (a float above all) and `ValueError` for
    what `decimal(18,4)` cannot hold exactly.
    """
    if isinstance(value, bool) or not isinstance(value, Decimal | int):
        raise TypeError(f"an amount is a Decimal, not {type(value).__name__}")
    amount = Decimal(value)
    if not amount.is_finite() or abs(amount) >= _LIMIT:
        raise ValueError(f"{amount} does not fit decimal({PRECISION},{SCALE})")
    exact = amount.quantize(_UNIT)
    if exact != amount:
        raise ValueError(f"{amount} has more than {SCALE} decimals")
    return exact


class DecimalText(TypeDecorator[Decimal]):
    """Money: `numeric(18,4)` on PostgreSQL, text on SQLite, whose own numbers are binary floats."""

    impl = Numeric(PRECISION, SCALE)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the column type of the engine."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(Text())
        return dialect.type_descriptor(Numeric(PRECISION, SCALE))

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        """Refuse floats and silent rounding on the way in."""
        if value is None:
            return None
        amount = exact_amount(value)
        return f"{amount:f}" if dialect.name == "sqlite" else amount

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """Give a `Decimal` back on either engine."""
        return None if value is None else Decimal(value)


class UtcTimestamp(TypeDecorator[datetime]):
    """An instant, kept as naive UTC as in landing; Python sees it with its zone."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse an instant without a zone, which could mean any hour."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs its time zone")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Attach UTC."""
        return None if value is None else value.replace(tzinfo=UTC)


def utc_now() -> datetime:
    """Return the present instant. Only `recorded_at` reads it; no figure depends on it."""
    return datetime.now(UTC)


NAMING = {
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
}
metadata = MetaData(naming_convention=NAMING)

SEQUENCE = BigInteger().with_variant(Integer, "sqlite")


def _table(name: str, *items: Column[Any] | UniqueConstraint | CheckConstraint) -> Table:
    """Declare a ledger table: the three columns that every row carries, then its own."""
    return Table(
        name,
        metadata,
        Column("sequence", SEQUENCE, primary_key=True, autoincrement=True),
        Column("recorded_at", UtcTimestamp, nullable=False, default=utc_now),
        Column("actor", Text, nullable=False, default=current_actor),
        *items,
        sqlite_autoincrement=True,
    )


def _text(name: str, **options: Any) -> Column[Any]:
    return Column(name, Text, **{"nullable": False, **options})


def _one_of(column: str, words: tuple[str, ...]) -> CheckConstraint:
    listed = ", ".join(f"'{word}'" for word in words)
    return CheckConstraint(f"{column} in ({listed})", name=column)


PASS_KINDS = ("main", "supplementary", "off_cycle")
PASS_STATES = (
    "opened",
    "collected",
    "rated",
    "calculated",
    "validated",
    "approved",
    "issued",
    "rendered",
    "dispatched",
    "reported",
)
DOCUMENT_TYPES = ("invoice", "credit_note")
REVIEW_DECISIONS = ("release", "hold", "adjust", "write_off")
DELIVERY_STATES = ("accepted", "delivered", "failed")

bill_runs = _table(
    "bill_runs",
    _text("bill_run_id", unique=True),
    _text("legal_entity_id"),
    _text("bill_cycle_id"),
    Column("bill_date", Date, nullable=False),
)

passes = _table(
    "passes",
    _text("pass_id", unique=True),
    _text("bill_run_id", index=True),
    _text("pass_kind"),
    Column("pass_number", Integer, nullable=False),
    Column("issue_date", Date, nullable=False),
    _one_of("pass_kind", PASS_KINDS),
)

pass_transitions = _table(
    "pass_transitions",
    _text("pass_id", index=True),
    _text("state"),
    Column("landing_watermark", BigInteger),
    Column("issue_date", Date),
    _text("commit_hash", nullable=True),
    _text("project_hash", nullable=True),
    _text("control_totals", nullable=True),
    _one_of("state", PASS_STATES),
)

pass_accounts = _table(
    "pass_accounts",
    _text("pass_id", index=True),
    _text("billing_account_id", index=True),
)

frozen_files = _table(
    "frozen_files",
    _text("issue_id", index=True),
    _text("pass_id"),
    _text("entity"),
    _text("path"),
    _text("sha256"),
    Column("row_count", BigInteger, nullable=False),
)

documents = _table(
    "documents",
    _text("document_id", unique=True),
    _text("document_type"),
    _text("legal_entity_id"),
    _text("series"),
    Column("year", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    _text("document_number", unique=True),
    _text("pass_id", index=True),
    _text("billing_account_id", index=True),
    Column("issue_date", Date, nullable=False),
    _text("currency_code"),
    Column("total_amount", DecimalText, nullable=False),
    UniqueConstraint("legal_entity_id", "series", "year", "number"),
    _one_of("document_type", DOCUMENT_TYPES),
)

rendered_documents = _table(
    "rendered_documents",
    _text("document_id", index=True),
    _text("media_type"),
    _text("sha256"),
    _text("path"),
    Column("size_bytes", BigInteger, nullable=False),
)

review_decisions = _table(
    "review_decisions",
    _text("pass_id", index=True),
    _text("billing_account_id"),
    _text("decision"),
    _text("reason"),
    _one_of("decision", REVIEW_DECISIONS),
)

delivery_attempts = _table(
    "delivery_attempts",
    _text("idempotency_key"),
    _text("document_id", index=True),
    _text("channel"),
    _text("recipient"),
    Column("attempt_number", Integer, nullable=False),
    _text("message_id"),
    _text("payload_sha256"),
    UniqueConstraint("idempotency_key", "attempt_number"),
)

delivery_outcomes = _table(
    "delivery_outcomes",
    Column(
        "attempt_sequence",
        SEQUENCE,
        ForeignKey("delivery_attempts.sequence"),
        nullable=False,
        index=True,
    ),
    _text("state"),
    _text("code"),
    _text("reason"),
    _one_of("state", DELIVERY_STATES),
)

run_closures = _table(
    "run_closures",
    _text("bill_run_id", index=True),
    _text("reason"),
)

gap_acceptances = _table(
    "gap_acceptances",
    _text("bill_run_id", index=True),
    _text("finding_id"),
    _text("subject"),
    _text("reason"),
)

# Billed usage to be rated again by the tariff as it is when a pass next bills the account: of days
# from `usage_from` up to but without `usage_to`, issued up to a frozen file's sequence; an empty
# column is any.
rerating_orders = _table(
    "rerating_orders",
    _text("order_id", unique=True),
    Column("usage_from", Date, nullable=False),
    Column("usage_to", Date, nullable=False),
    _text("billing_account_id", nullable=True),
    _text("plan_id", nullable=True),
    _text("zone_id", nullable=True),
    Column("issued_sequence", BigInteger, nullable=False),
    _text("reason"),
)

LEDGER_TABLES: tuple[Table, ...] = (
    bill_runs,
    passes,
    pass_transitions,
    pass_accounts,
    frozen_files,
    documents,
    rendered_documents,
    review_decisions,
    delivery_attempts,
    delivery_outcomes,
    run_closures,
    gap_acceptances,
    rerating_orders,
)
