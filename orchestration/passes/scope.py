"""What one dbt invocation sees of the ledger: its export, and the passes in scope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import duckdb

from orchestration.collect.kinds import quote
from orchestration.ledger.export import export_ledger
from orchestration.ledger.store import Ledger
from orchestration.lib.files import replace_atomically, temporary_beside
from orchestration.passes.records import read_passes
from orchestration.settings import Settings


def write_scope(exports: Path, pass_ids: Sequence[str]) -> Path:
    """Write the control table of the passes that a build computes; swapped by one rename."""
    path = exports / "control" / "passes_in_scope.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_beside(path)
    with duckdb.connect() as memory:
        memory.execute("create table passes_in_scope (pass_id varchar)")
        if pass_ids:
            memory.executemany(
                "insert into passes_in_scope values (?)", [[one] for one in pass_ids]
            )
        memory.execute(f"copy passes_in_scope to {quote(str(temporary))} (format parquet)")
    replace_atomically(temporary, path)
    return path


def export_for_dbt(settings: Settings, ledger: Ledger, exports: Path | None = None) -> list[str]:
    """Export the ledger and put every pass not yet issued in scope; return their ids.

    All of them, always: a build leaves no computed row behind that another build would make
    differently. Issued passes come back from their frozen rows.
    """
    target = exports or settings.exports
    export_ledger(ledger, settings if exports is None else replace_exports(settings, target))
    with ledger.read() as connection:
        unissued = [one.pass_id for one in read_passes(connection) if not one.is_issued]
    write_scope(target, unissued)
    return unissued


def replace_exports(settings: Settings, exports: Path) -> Settings:
    """Return settings whose exports lie elsewhere (a scratch side)."""
    return replace(settings, exports_override=exports)
