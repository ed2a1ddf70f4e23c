"""The first shape of the ledger.

A revision is history: it spells its tables out and never imports them, so that what it made once it
makes for ever.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SEQUENCE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MONEY = sa.Numeric(18, 4).with_variant(sa.Text(), "sqlite")

GUARD = """
create function ledger_is_append_only() returns trigger language plpgsql as $guard$
begin
    raise exception 'the ledger is append-only: % on %', lower(tg_op), tg_table_name
        using errcode = 'integrity_constraint_violation';
end
$guard$
"""


def text(name: str, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def column(name: str, column_type: Any, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, column_type, nullable=nullable)


def unique(table: str, *columns: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(*columns, name=f"uq_{table}_{'_'.join(columns)}")


def one_of(table: str, name: str, *words: str) -> sa.CheckConstraint:
    listed = ", ".join(f"'{word}'" for word in words)
    return sa.CheckConstraint(f"{name} in ({listed})", name=op.f(f"ck_{table}_{name}"))


def create(table: str, *items: Any, indexes: tuple[str, ...] = ()) -> None:
    """Make one append-only table."""
    op.create_table(
        table,
        sa.Column("sequence", SEQUENCE, autoincrement=True, nullable=False),
        column("recorded_at", sa.DateTime()),
        text("actor"),
        *items,
        sa.PrimaryKeyConstraint("sequence", name=f"pk_{table}"),
        sqlite_autoincrement=True,
    )
    for name in indexes:
        op.create_index(f"ix_{table}_{name}", table, [name])
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("update", "delete"):
            op.execute(
                f"create trigger {table}_no_{verb} before {verb} on {table} begin "
                f"select raise(abort, 'the ledger is append-only: {verb} on {table}'); end"
            )
    else:
        op.execute(
            f"create trigger {table}_append_only before update or delete or truncate "
            f"on {table} for each statement execute function ledger_is_append_only()"
        )


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(GUARD)
    create_runs()
    create_documents()
    create_deliveries()


def create_runs() -> None:
    create(
        "bill_runs",
        text("bill_run_id"),
        text("legal_entity_id"),
        text("bill_cycle_id"),
        column("bill_date", sa.Date()),
        unique("bill_runs", "bill_run_id"),
    )
    create(
        "passes",
        text("pass_id"),
        text("bill_run_id"),
        text("pass_kind"),
        column("pass_number", sa.Integer()),
        column("issue_date", sa.Date()),
        unique("passes", "pass_id"),
        one_of("passes", "pass_kind", "main", "supplementary", "off_cycle"),
        indexes=("bill_run_id",),
    )
    states = "opened collected rated calculated validated approved issued rendered dispatched"
    create(
        "pass_transitions",
        text("pass_id"),
        text("state"),
        column("landing_watermark", sa.BigInteger(), nullable=True),
        text("commit_hash", nullable=True),
        text("project_hash", nullable=True),
        text("control_totals", nullable=True),
        one_of("pass_transitions", "state", *states.split(), "reported"),
        indexes=("pass_id",),
    )
    create(
        "pass_accounts",
        text("pass_id"),
        text("billing_account_id"),
        indexes=("pass_id", "billing_account_id"),
    )
    create("run_closures", text("bill_run_id"), text("reason"), indexes=("bill_run_id",))
    create(
        "review_decisions",
        text("pass_id"),
        text("billing_account_id"),
        text("decision"),
        text("reason"),
        one_of("review_decisions", "decision", "release", "hold", "adjust", "write_off"),
        indexes=("pass_id",),
    )


def create_documents() -> None:
    create(
        "frozen_files",
        text("issue_id"),
        text("pass_id"),
        text("entity"),
        text("path"),
        text("sha256"),
        column("row_count", sa.BigInteger()),
        indexes=("issue_id",),
    )
    create(
        "documents",
        text("document_id"),
        text("document_type"),
        text("legal_entity_id"),
        text("series"),
        column("year", sa.Integer()),
        column("number", sa.Integer()),
        text("document_number"),
        text("pass_id"),
        text("billing_account_id"),
        column("issue_date", sa.Date()),
        text("currency_code"),
        column("total_amount", MONEY),
        unique("documents", "document_id"),
        unique("documents", "document_number"),
        unique("documents", "legal_entity_id", "series", "year", "number"),
        one_of("documents", "document_type", "invoice", "credit_note"),
        indexes=("pass_id", "billing_account_id"),
    )
    create(
        "rendered_documents",
        text("document_id"),
        text("media_type"),
        text("sha256"),
        text("path"),
        column("size_bytes", sa.BigInteger()),
        indexes=("document_id",),
    )


def create_deliveries() -> None:
    create(
        "delivery_attempts",
        text("idempotency_key"),
        text("document_id"),
        text("channel"),
        text("recipient"),
        column("attempt_number", sa.Integer()),
        text("message_id"),
        text("payload_sha256"),
        unique("delivery_attempts", "idempotency_key", "attempt_number"),
        indexes=("document_id",),
    )
    create(
        "delivery_outcomes",
        column("attempt_sequence", SEQUENCE),
        text("state"),
        text("code"),
        text("reason"),
        sa.ForeignKeyConstraint(
            ["attempt_sequence"],
            ["delivery_attempts.sequence"],
            name="fk_delivery_outcomes_attempt_sequence",
        ),
        one_of("delivery_outcomes", "state", "accepted", "delivered", "failed"),
        indexes=("attempt_sequence",),
    )
