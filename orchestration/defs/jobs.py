"""The bill run as a job, and the schedule that launches it on bill dates."""

from collections.abc import Iterator
from datetime import timedelta

import dagster as dg

from orchestration.defs.partitions import BILL_DATES
from orchestration.lib.house import open_house
from orchestration.passes.cycles import is_bill_date

bill_run = dg.define_asset_job(
    "bill_run",
    selection=dg.AssetSelection.all(),
    partitions_def=BILL_DATES,
    executor_def=dg.in_process_executor,
    description="Collect, rate, calculate, issue, render, send and report one bill date.",
)


@dg.schedule(job=bill_run, cron_schedule="0 6 * * *", execution_timezone="UTC")
def bill_dates(
    context: dg.ScheduleEvaluationContext,
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Launch the bill run of today when some cycle has its bill date today."""
    today = context.scheduled_execution_time.date()
    if is_bill_date(open_house().settings, today):
        yield dg.RunRequest(run_key=today.isoformat(), partition_key=today.isoformat())
    else:
        following = next(
            (
                day
                for day in (today + timedelta(days=ahead) for ahead in range(1, 400))
                if is_bill_date(open_house().settings, day)
            ),
            None,
        )
        yield dg.SkipReason(f"no cycle has its bill date on {today}; the next is {following}")
