"""What the marts are a function of (law 1), in one hash: landing, ledger, seeds and models."""

from __future__ import annotations

import hashlib
from collections.abc import Collection

from sqlalchemy import func, select

from orchestration.ledger.schema import LEDGER_TABLES
from orchestration.ledger.store import Ledger
from orchestration.passes.records import describe_project
from orchestration.settings import Settings


def inputs_hash(settings: Settings, ledger: Ledger | None, without: Collection[str] = ()) -> str:
    """Return a SHA-256 that is the same as long as the marts are.

    Landing is immutable and the ledger append-only, so names and last sequences say all of them.
    Leaves out the ledger tables of `without`, and all of them when no ledger is given.
    """
    digest = hashlib.sha256(describe_project(settings)[1].encode())
    for path in sorted((settings.landing / "manifest").glob("*/*.parquet")):
        digest.update(path.name.encode())
    if ledger is None:
        return digest.hexdigest()
    with ledger.read() as connection:
        for table in LEDGER_TABLES:
            if table.name in without:
                continue
            last = connection.scalar(select(func.max(table.c.sequence)))
            digest.update(f"{table.name}={last};".encode())
    return digest.hexdigest()
