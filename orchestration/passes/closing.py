"""Closing runs: nothing of the run waits any more."""

from __future__ import annotations

from sqlalchemy import select

from orchestration.ledger.schema import run_closures
from orchestration.ledger.store import Ledger, append_row
from orchestration.lib.warehouse import open_warehouse
from orchestration.passes.records import read_passes
from orchestration.settings import Settings

# Accounts still held, per run: a hold that a later run took over is carried forward, with its row.
HELD = """
    select bill_run_id, count(*)
    from marts.fct_review_queue
    where review_status in ('held', 'released')
    group by bill_run_id
"""


def close_finished_runs(settings: Settings, ledger: Ledger) -> list[str]:
    """Close every run whose passes are all issued and of which no account is held any more.

    Returns the ids of the runs closed now. A closed run stays closed.
    """
    with open_warehouse(settings) as warehouse:
        held = dict(warehouse.execute(HELD).fetchall())
    with ledger.write() as connection:
        closed = {row.bill_run_id for row in connection.execute(select(run_closures))}
        issued: dict[str, bool] = {}
        for one in read_passes(connection):
            issued[one.bill_run_id] = issued.get(one.bill_run_id, True) and one.is_issued
        finished = [
            run_id
            for run_id, all_issued in issued.items()
            if all_issued and run_id not in closed and run_id not in held
        ]
        for run_id in finished:
            append_row(
                connection,
                run_closures,
                bill_run_id=run_id,
                reason="every account due is issued, carried forward or has nothing to bill",
            )
    return finished
