"""Report: the cycle report for finance, and the marts published for BI."""

from datetime import UTC, datetime
from typing import Any

import dagster as dg

from orchestration.defs.collect.assets import LOCK_SECONDS
from orchestration.defs.dbt_models import bill_date_of
from orchestration.defs.partitions import BILL_DATES, WRITER_POOL
from orchestration.lib.current import is_current, note_run, state_of
from orchestration.lib.dbt import require_success
from orchestration.lib.files import write_atomically
from orchestration.lib.house import House, open_house
from orchestration.lib.lock import writer_lock
from orchestration.lib.publish import FILE_NAME, publish_marts
from orchestration.lib.say import say
from orchestration.passes.closing import close_finished_runs
from orchestration.passes.records import read_passes, record_state
from orchestration.passes.scope import export_for_dbt
from orchestration.report.cycle import write_cycle_report

REPORTING_MARTS = [
    "fct_review_queue",
    "fct_bill_runs",
    "fct_deliveries",
    "fct_payments",
    "fct_receivables",
    "rpt_control_totals",
    "rpt_cycle_summary",
    "rpt_billing_kpis",
]


@dg.asset(
    group_name="report",
    kinds={"html"},
    deps=REPORTING_MARTS,
    partitions_def=BILL_DATES,
    pool=WRITER_POOL,
)
def cycle_report(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
    """Write the bill date's report for finance, one self-contained page."""
    house, bill_date = open_house(), bill_date_of(context)
    with house.ledger.read() as connection:
        if not read_passes(connection, bill_date):
            say(f"no cycle report: nothing was due on {bill_date}")
            return dg.MaterializeResult(metadata={"passes": 0})
    path = write_cycle_report(house.settings, bill_date, datetime.now(UTC))
    with house.ledger.write() as connection:
        fresh = [
            one.pass_id
            for one in read_passes(connection, bill_date)
            if one.is_issued and "reported" not in one.states
        ]
        record_state(connection, house.settings, fresh, "reported")
    closed = close_finished_runs(house.settings, house.ledger)
    for run_id in closed:
        say(f"closed bill run {run_id}")
    if fresh or closed:
        _show_runs(house)
    say(f"wrote the cycle report: {path}")
    return dg.MaterializeResult(metadata={"path": dg.MetadataValue.path(str(path))})


@dg.asset(
    group_name="report",
    kinds={"duckdb", "parquet"},
    deps=[*REPORTING_MARTS, "cycle_report"],
    partitions_def=BILL_DATES,
    pool=WRITER_POOL,
)
def published_marts(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
    """Publish one generation of the marts; readers go on reading the one before meanwhile.

    What is published already, of the same inputs, is not published twice.
    """
    house = open_house()
    note = house.settings.published / "inputs.sha256"
    with writer_lock(house.settings, LOCK_SECONDS):
        note_run(house, context.run_id)
        state = state_of(house) if is_current(house) else ""
        is_there = (house.settings.published / FILE_NAME).is_file()
        if state and is_there and note.is_file() and note.read_text() == state:
            say("the published marts are current")
            return dg.MaterializeResult(metadata={"summary": "current"})
        summary = publish_marts(house.settings)
        write_atomically(note, state.encode())
    say(f"published the marts to {house.settings.published}")
    return dg.MaterializeResult(metadata={"summary": str(summary)})


def _show_runs(house: House) -> None:
    """Let the marts say what reporting changed: else the next run alone would change them."""
    with writer_lock(house.settings, LOCK_SECONDS):
        export_for_dbt(house.settings, house.ledger)
        require_success(house.dbt.build("fct_bill_runs+"), "showing the runs as reported")
