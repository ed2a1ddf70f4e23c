"""Accounts and calculation: from landing to invoices that are ready to be issued."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from dagster_dbt import dbt_assets

from orchestration.defs.collect.assets import LOCK_SECONDS
from orchestration.defs.dbt_models import (
    Result,
    Translator,
    bill_date_of,
    build_selected,
    report_current,
    report_results,
    select_rest,
)
from orchestration.defs.partitions import BILL_DATES, WRITER_POOL
from orchestration.lib.current import is_current, note_calculation
from orchestration.lib.house import open_house
from orchestration.lib.lock import writer_lock
from orchestration.lib.say import say
from orchestration.lib.seeds import require_sound_seeds
from orchestration.lib.warehouse import open_warehouse
from orchestration.passes.records import read_passes, record_state
from orchestration.passes.scope import export_for_dbt
from orchestration.review.text import suspended_text
from orchestration.settings import Settings

# What must be known before passes are opened: who there is, and which dates are bill dates.
KNOWN_BEFORE = ("int_billing_accounts__current", "int_bill_periods__aligned")
BEFORE_PASSES = " ".join(("resource_type:seed", *(f"+{name}" for name in KNOWN_BEFORE)))
UNISSUED = "select pass_id from intermediate.int_passes__unissued"
FIGURES = {
    "int_usage__rated": f"""
        select service, count(*) || ' segments, ' || sum(rated_amount)
        from intermediate.int_usage__rated
        where pass_id in ({UNISSUED})
        group by service
    """,
    "int_charges__combined": f"""
        select charge_type, sum(amount)
        from intermediate.int_charges__combined
        where pass_id in ({UNISSUED})
        group by charge_type
    """,
    "int_accounts__decided": f"""
        select outcome, count(*) || ' accounts, ' || sum(total_amount)
        from intermediate.int_accounts__decided
        where pass_id in ({UNISSUED})
        group by outcome
    """,
    "int_anomalies__combined": f"""
        select rule_id, count(*) || ' accounts, ' || sum(amount_at_stake)
        from intermediate.int_anomalies__combined
        where pass_id in ({UNISSUED})
        group by rule_id
    """,
}
# Of all that has landed and was not billed.
SUSPENDED = """
    select suspense_reason, count(distinct event_id) as record_count
    from intermediate.int_usage__suspended
    where event_id not in (select event_id from staging.stg_issued__billed_usage)
    group by suspense_reason
    order by record_count desc, suspense_reason
"""


@dbt_assets(
    manifest=open_house().dbt.manifest,
    select=BEFORE_PASSES,
    name="accounts",
    dagster_dbt_translator=Translator(),
    partitions_def=BILL_DATES,
    backfill_policy=dg.BackfillPolicy.multi_run(1),
    pool=WRITER_POOL,
)
def accounts(context: dg.AssetExecutionContext) -> Iterator[Result]:
    """Load the tariff and learn which accounts there are."""
    house = open_house()
    with writer_lock(house.settings, LOCK_SECONDS):
        require_sound_seeds(house.settings)
        export_for_dbt(house.settings, house.ledger)
        if current := is_current(house):
            say("tariff and accounts are as they were")
        results = [] if current else build_selected(context, house)
    if current:
        yield from report_current(context)
        return
    say("loaded the tariff and the accounts")
    yield from report_results(context, results, "loading tariff and accounts")


@dbt_assets(
    manifest=open_house().dbt.manifest,
    select=select_rest(open_house().dbt.manifest, ("staging", "intermediate"), KNOWN_BEFORE),
    name="calculation",
    dagster_dbt_translator=Translator(),
    partitions_def=BILL_DATES,
    backfill_policy=dg.BackfillPolicy.multi_run(1),
    pool=WRITER_POOL,
)
def calculation(context: dg.AssetExecutionContext) -> Iterator[Result]:
    """Rate, price, total and validate everything that is not issued yet."""
    house = open_house()
    with writer_lock(house.settings, LOCK_SECONDS):
        export_for_dbt(house.settings, house.ledger)
        note_calculation(house, context.run_id)
        if current := is_current(house):
            say("nothing to calculate: the inputs are as they were")
        results = [] if current else build_selected(context, house)
        has_failed = any(result.has_failed for result in results)
        if not current and not has_failed:
            _record(context)
        figures = {} if current or has_failed else _read_figures(house.settings)
        suspended = {} if current or has_failed else _read_suspended(house.settings)
    if current:
        yield from report_current(context)
        return
    if not has_failed:
        say(f"calculated and validated: {len(results)} models and checks")
        if told := suspended_text(suspended):
            say(told)
    yield from report_results(context, results, "calculation", figures)


def _read_figures(settings: Settings) -> dict[str, dict[str, Any]]:
    """Return counts and amounts of the passes not issued yet, for the assets that hold them."""
    with open_warehouse(settings) as warehouse:
        return {
            table: {row[0]: str(row[1]) for row in warehouse.execute(query).fetchall()}
            for table, query in FIGURES.items()
        }


def _read_suspended(settings: Settings) -> dict[str, int]:
    """Return how many records wait without a price, by reason."""
    with open_warehouse(settings) as warehouse:
        return dict(warehouse.execute(SUSPENDED).fetchall())


def _record(context: dg.AssetExecutionContext) -> None:
    house = open_house()
    with house.ledger.write() as connection:
        of_date = read_passes(connection, bill_date_of(context))
        unissued = [one.pass_id for one in of_date if not one.is_issued]
        for state in ("rated", "calculated", "validated"):
            record_state(connection, house.settings, unissued, state)
