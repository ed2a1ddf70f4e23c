"""Orders of a person to rate billed usage again."""

from __future__ import annotations

import sqlalchemy as sa

from orchestration.ledger.migrations.versions.initial_0001 import column, create, text, unique

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create(
        "rerating_orders",
        text("order_id"),
        column("usage_from", sa.Date()),
        column("usage_to", sa.Date()),
        text("billing_account_id", nullable=True),
        text("plan_id", nullable=True),
        text("zone_id", nullable=True),
        column("issued_sequence", sa.BigInteger()),
        text("reason"),
        unique("rerating_orders", "order_id"),
    )
