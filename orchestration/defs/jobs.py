"""The bill run as a job, and the schedule that launches it on bill dates."""

from collections.abc import Iterator

import dagster as dg

from orchestration.lib.house import open_house
from orchestration.passes.cycles import bill_dates_to_run

bill_run = dg.define_asset_job(
    "bill_run",
    selection=dg.AssetSelection.all(),
    executor_def=dg.in_process_executor,
    description="Collect, rate, calculate, issue, render, send and report one bill date.",
)


@dg.schedule(job=bill_run, cron_schedule="0 6 * * *", execution_timezone="UTC")
def bill_dates(
    context: dg.ScheduleEvaluationContext,
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Launch the bill run of every date that is due today."""
    today = context.scheduled_execution_time.date()
    bill_dates_due = bill_dates_to_run(open_house().settings, today)
    for bill_date in bill_dates_due:
        yield dg.RunRequest(run_key=bill_date.isoformat(), partition_key=bill_date.isoformat())
    if not bill_dates_due:
        yield dg.SkipReason(f"no cycle has a bill run that starts on {today}")
