"""The history of the ledger's shape, applied by `open_ledger` through Alembic."""

HEAD = "0004"
