"""The issue date of a pass, set each time that a run takes the pass up, until it is issued."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("pass_transitions", sa.Column("issue_date", sa.Date(), nullable=True))
