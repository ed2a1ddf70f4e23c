"""Collect: the inbox is decoded into landing."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from orchestration.collect.entities import collected_tables
from orchestration.collect.inbox import (
    ManifestRow,
    collect_inbox,
    describe_skipped,
    ensure_landing,
    one_line,
    read_manifest,
)
from orchestration.defs.partitions import BILL_DATES, WRITER_POOL
from orchestration.issue.frozen import frozen_entities
from orchestration.lib.errors import TollhouseError
from orchestration.lib.house import open_house
from orchestration.lib.lock import writer_lock
from orchestration.lib.say import say

LOCK_SECONDS = 600


class CollectConfig(dg.Config):
    """For how long a file must have stayed as it is; what changed later waits for the next run."""

    settle_seconds: int = 0


@dg.multi_asset(
    name="collected_files",
    specs=[
        dg.AssetSpec(
            ["landing", table.name],
            group_name="collect",
            kinds={"parquet"},
            description=f"Landing of `{table.name}`, written once per source file.",
        )
        for table in collected_tables()
    ],
    partitions_def=BILL_DATES,
    pool=WRITER_POOL,
    can_subset=False,
)
def collected_files(config: CollectConfig) -> Iterator[dg.MaterializeResult[Any]]:
    """Decode every new file of the inbox into landing; the same file twice is a no-op."""
    house = open_house()
    with writer_lock(house.settings, LOCK_SECONDS):
        ensure_landing(
            house.settings, [entity.landing_table for entity in frozen_entities(house.settings)]
        )
        rows = collect_inbox(
            house.settings, datetime.now(UTC), settle=timedelta(seconds=config.settle_seconds)
        )
    if not rows and not read_manifest(house.settings):
        raise TollhouseError(
            f"nothing to bill: the inbox {house.settings.inbox} holds no file; put CSV files in "
            "its folders (see README.md), or make an example with `tollhouse sample`"
        )
    _tell(rows, describe_skipped(house.settings))
    by_entity: dict[str, list[ManifestRow]] = {}
    for row in rows:
        by_entity.setdefault(row.entity, []).append(row)
    for table in collected_tables():
        of_entity = by_entity.get(table.name, [])
        yield dg.MaterializeResult(
            asset_key=["landing", table.name],
            metadata={
                "files": len(of_entity),
                "records_read": sum(row.records_read for row in of_entity),
                "records_accepted": sum(row.records_accepted for row in of_entity),
                "records_filtered": sum(row.records_filtered for row in of_entity),
                "records_rejected": sum(row.records_rejected for row in of_entity),
            },
        )


def _tell(rows: list[ManifestRow], skipped: list[str]) -> None:
    refused = [row for row in rows if row.status == "rejected"]
    say(
        f"collected {len(rows)} new files: {sum(row.records_read for row in rows):,} records read, "
        f"{sum(row.records_rejected for row in rows):,} rejected, {len(refused)} files refused"
    )
    for row in refused:
        say(f"  {row.source_id}/{one_line(row.file_name)}: {row.reason}")
    for line in skipped:
        say(f"  {line}")
