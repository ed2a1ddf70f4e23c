"""The house as a pass found it: its ledger before the pass was issued, its landing at the cut-off.

A past pass is computed again from the same inputs. What came later (its own issue, documents,
assignments and decisions, files that landed) is left out of the copies that a scratch build reads;
the ledger and landing themselves are only read.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

import duckdb
from sqlalchemy import func, select

from orchestration.collect.entities import MANIFEST, collected_tables
from orchestration.collect.inbox import ensure_landing, read_manifest
from orchestration.collect.kinds import quote
from orchestration.issue.frozen import frozen_entities
from orchestration.ledger.schema import LEDGER_TABLES, pass_transitions
from orchestration.ledger.store import Ledger
from orchestration.lib.errors import TollhouseError
from orchestration.passes.records import BillPass, read_passes
from orchestration.passes.scope import export_for_dbt, write_scope
from orchestration.settings import Settings

# A pass is what it was until one of these.
BEFORE_ISSUE = ("opened", "collected", "rated", "calculated", "validated", "approved")


class NoPassError(TollhouseError):
    """There is no pass that could be billed again."""


@dataclass(frozen=True)
class AsOf:
    """Passes to bill again, and the moment up to which the house is looked at.

    `cut` is None when no pass was issued yet: then the ledger is taken as it is. `watermark` is the
    last landed file that the passes saw, `latest` the last there is.
    """

    passes: tuple[BillPass, ...]
    cut: datetime | None
    watermark: int
    latest: int
    project_hash: str | None
    ledger_state: str

    @property
    def pass_ids(self) -> tuple[str, ...]:
        return tuple(one.pass_id for one in self.passes)

    @property
    def bill_date(self) -> date:
        return self.passes[0].bill_date

    @property
    def sees_all_landing(self) -> bool:
        return self.watermark >= self.latest

    @property
    def inputs(self) -> str:
        """What the passes are computed from, beside the project: the same text, the same figures.

        Landing is immutable and the ledger append-only, so two numbers say what was in them.
        """
        told = [self.pass_ids, str(self.cut), self.watermark]
        if self.cut is None:
            told.append(self.ledger_state)
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def find_as_of(settings: Settings, ledger: Ledger, bill_date: date | None = None) -> AsOf:
    """Return the passes of a bill date, by default of the newest that has one, as they were made.

    The main passes when there are any: they hold every account that was due. Raises `NoPassError`
    when none has collected its inputs.
    """
    with ledger.read() as connection:
        known = read_passes(connection, bill_date)
        known = [one for one in known if "collected" in one.states]
        if not known:
            when = f" of {bill_date}" if bill_date else ""
            raise NoPassError(f"no pass{when} has been opened and collected: run a bill date first")
        newest = max(one.bill_date for one in known)
        of_date = [one for one in known if one.bill_date == newest]
        mains = [one for one in of_date if one.pass_kind == "main"]
        chosen = tuple(mains or of_date)
        ids = [one.pass_id for one in chosen]
        made = connection.execute(
            select(
                pass_transitions.c.state,
                pass_transitions.c.landing_watermark,
                pass_transitions.c.project_hash,
                pass_transitions.c.recorded_at,
            )
            .where(pass_transitions.c.pass_id.in_(ids), pass_transitions.c.state.in_(BEFORE_ISSUE))
            .order_by(pass_transitions.c.sequence)
        ).all()
        last = [connection.scalar(select(func.max(one.c.sequence))) for one in LEDGER_TABLES]
    hashes = {row.project_hash for row in made if row.state == "validated"}
    is_issued = any(one.is_issued for one in chosen)
    latest = max((row.landing_sequence for row in read_manifest(settings)), default=0)
    return AsOf(
        passes=chosen,
        cut=max(row.recorded_at for row in made) if is_issued else None,
        watermark=max(row.landing_watermark or 0 for row in made),
        latest=latest,
        project_hash=hashes.pop() if len(hashes) == 1 else None,
        ledger_state=json.dumps(last),
    )


def write_inputs(settings: Settings, ledger: Ledger, as_of: AsOf, side: Path) -> tuple[Path, Path]:
    """Write exports and landing as the passes found them below `side`; return both folders.

    Landing is made of links to the live partitions: collected files with a manifest up to the
    cut-off, and what was frozen before these passes. `settings` are those of the side's project: a
    table that it knows and the house does not is empty. The caller holds the writer lock.
    """
    exports = side / "exports"
    export_for_dbt(settings, ledger, exports)
    write_scope(exports, as_of.pass_ids)
    if as_of.cut is not None:
        _forget_later(exports / "ledger", as_of)
    _link_landing(settings, as_of, exports, side)
    return exports, side / "landing"


def _forget_later(folder: Path, as_of: AsOf) -> None:
    """Take out of the exported ledger what was recorded after the passes were validated."""
    cut = as_of.cut
    chosen = ", ".join(quote(one) for one in as_of.pass_ids)
    earlier = f"recorded_at <= {quote(f'{cut:%Y-%m-%d %H:%M:%S.%f}')}::timestamp"
    of_others = f"{earlier} and pass_id not in ({chosen})"
    states = ", ".join(quote(one) for one in BEFORE_ISSUE)
    kept = {
        "frozen_files": of_others,
        "documents": of_others,
        "pass_accounts": earlier,
        "passes": earlier,
        "review_decisions": earlier,
        "run_closures": earlier,
        "rerating_orders": earlier,
        "pass_transitions": f"{earlier} and (pass_id not in ({chosen}) or state in ({states}))",
    }
    with duckdb.connect(config={"threads": 1}) as sql:
        for table, condition in kept.items():
            parts = sorted((folder / table).glob("*.parquet"))
            read = f"read_parquet({quote(str(folder / table / '*.parquet'))})"
            sql.execute(f"create or replace table kept as select * from {read} where {condition}")
            for part in parts:
                part.unlink()
            sql.execute(f"copy kept to {quote(str(folder / table / 'kept.parquet'))}")


def _link_landing(settings: Settings, as_of: AsOf, exports: Path, side: Path) -> None:
    frozen = [one.landing_table for one in frozen_entities(settings)]
    issues = _frozen_issues(exports)
    for table in (*collected_tables(), *frozen):
        folder = side / "landing" / table.name
        folder.mkdir(parents=True)
        empty = Path(table.empty_path).parent.name
        if table.name == MANIFEST.name:
            _write_manifest(settings, as_of.watermark, folder)
            continue
        for partition in (settings.landing / table.name).glob(f"{table.partition}=*"):
            is_counted = table not in frozen or partition.name.partition("=")[2] in issues
            if partition.name != empty and is_counted:
                (folder / partition.name).symlink_to(partition, target_is_directory=True)
    ensure_landing(replace(settings, home=side), frozen)


def _frozen_issues(exports: Path) -> set[str]:
    """Return the issues whose frozen rows count."""
    read = f"read_parquet({quote(str(exports / 'ledger' / 'frozen_files' / '*.parquet'))})"
    with duckdb.connect(config={"threads": 1}) as sql:
        return {row[0] for row in sql.execute(f"select distinct issue_id from {read}").fetchall()}


def _write_manifest(settings: Settings, watermark: int, folder: Path) -> None:
    target = folder / "arrival_date=1970-01-02" / "before.parquet"
    target.parent.mkdir()
    files = quote(str(settings.landing / "manifest" / "*" / "*.parquet"))
    read = f"read_parquet({files}, union_by_name=true)"
    with duckdb.connect(config={"threads": 1}) as sql:
        sql.execute(
            f"copy (select * from {read} where landing_sequence <= {watermark})"
            f" to {quote(str(target))}"
        )
