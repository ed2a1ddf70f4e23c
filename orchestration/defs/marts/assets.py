"""Marts: what readers see, rebuilt after issue and after dispatch."""

from collections.abc import Iterator

import dagster as dg
from dagster_dbt import dbt_assets

from orchestration.defs.collect.assets import LOCK_SECONDS
from orchestration.defs.dbt_models import (
    Result,
    Translator,
    build_selected,
    report_current,
    report_results,
)
from orchestration.defs.partitions import BILL_DATES, WRITER_POOL
from orchestration.lib.current import is_current, note_reporting
from orchestration.lib.house import open_house
from orchestration.lib.lock import writer_lock
from orchestration.lib.say import say
from orchestration.passes.scope import export_for_dbt


def _build(context: dg.AssetExecutionContext, what: str, is_last: bool = False) -> Iterator[Result]:
    house = open_house()
    with writer_lock(house.settings, LOCK_SECONDS):
        export_for_dbt(house.settings, house.ledger)
        if is_last:
            note_reporting(house, context.run_id)
        current = is_current(house)
        results = [] if current else build_selected(context, house)
    if current:
        say(f"the {what} are current")
        yield from report_current(context)
        return
    say(f"built the {what}: {len(results)} models and checks")
    yield from report_results(context, results, what)


@dbt_assets(
    manifest=open_house().dbt.manifest,
    select="marts.billing",
    name="billing_marts",
    dagster_dbt_translator=Translator(waits_for=["issued_invoices"]),
    partitions_def=BILL_DATES,
    backfill_policy=dg.BackfillPolicy.multi_run(1),
    pool=WRITER_POOL,
)
def billing_marts(context: dg.AssetExecutionContext) -> Iterator[Result]:
    """Show what was issued: frozen rows, and computed rows for what is not."""
    yield from _build(context, "billing marts")


@dbt_assets(
    manifest=open_house().dbt.manifest,
    select="marts",
    exclude="marts.billing",
    name="reporting_marts",
    dagster_dbt_translator=Translator(waits_for=["dispatched_documents"]),
    partitions_def=BILL_DATES,
    backfill_policy=dg.BackfillPolicy.multi_run(1),
    pool=WRITER_POOL,
)
def reporting_marts(context: dg.AssetExecutionContext) -> Iterator[Result]:
    """Show review, runs, deliveries, receivables, control totals and key figures."""
    yield from _build(context, "operations, receivables and reporting marts", is_last=True)
