"""Run migrations on the connection, and inside the transaction, that `open_ledger` hands over."""

from __future__ import annotations

from alembic import context

from orchestration.ledger.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite can roll back DDL too once the driver no longer commits by itself: all or nothing.
    transactional_ddl=True,
)
context.run_migrations()
