"""Gaps in usage that a person accepted for a bill run."""

from __future__ import annotations

from orchestration.ledger.migrations.versions.initial_0001 import create, text

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create(
        "gap_acceptances",
        text("bill_run_id"),
        text("finding_id"),
        text("subject"),
        text("reason"),
        indexes=("bill_run_id",),
    )
