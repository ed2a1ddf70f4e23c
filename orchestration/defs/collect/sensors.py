"""The inbox is watched: a batch of files that are whole starts one run that collects it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import dagster as dg

from orchestration.collect.arrivals import Listing, find_arrivals, list_inbox
from orchestration.collect.inbox import read_manifest
from orchestration.defs.collect.assets import collected_files
from orchestration.lib.house import open_house

TICK_SECONDS = 30

collect = dg.define_asset_job(
    "collect",
    selection=dg.AssetSelection.assets(collected_files),
    executor_def=dg.in_process_executor,
    description="Collect what lies in the inbox, at any time between bill runs.",
)


@dg.sensor(
    job=collect,
    minimum_interval_seconds=TICK_SECONDS,
    default_status=dg.DefaultSensorStatus.STOPPED,
    description=(
        "Looks into the inbox. Files whose size and time have not changed between two looks are"
        " collected by one run."
    ),
)
def inbox_arrivals(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Launch one run per batch of settled files; a file that is still written waits."""
    settings = open_house().settings
    looked_at = datetime.now(UTC)
    arrivals = find_arrivals(
        _read_cursor(context.cursor),
        list_inbox(settings),
        read_manifest(settings),
        looked_at,
        timedelta(seconds=TICK_SECONDS),
    )
    context.update_cursor(json.dumps(arrivals.listing))
    if not arrivals.settled:
        waiting = len(arrivals.unsettled)
        return dg.SkipReason(
            f"{waiting} new files, none of them settled" if waiting else "nothing new"
        )
    op = {"config": {"settle_seconds": TICK_SECONDS}}
    return dg.SensorResult(
        run_requests=[
            dg.RunRequest(
                run_key=arrivals.batch_id,
                partition_key=looked_at.date().isoformat(),
                run_config={"ops": {"collected_files": op}},
                tags={"tollhouse/files": str(len(arrivals.settled))},
            )
        ],
        cursor=json.dumps(arrivals.listing),
    )


def _read_cursor(cursor: str | None) -> Listing:
    listed = json.loads(cursor or "{}")
    return {name: (int(size), str(changed)) for name, (size, changed) in listed.items()}
