"""Accounts and calculation: from landing to invoices that are ready to be issued."""

from collections.abc import Iterator

import dagster as dg
from dagster_dbt import dbt_assets

from orchestration.defs.collect.assets import LOCK_SECONDS
from orchestration.defs.dbt_models import Result, Translator, bill_date_of, build_selected
from orchestration.defs.partitions import BILL_DATES, WRITER_POOL
from orchestration.lib.house import open_house
from orchestration.lib.lock import writer_lock
from orchestration.lib.say import say
from orchestration.lib.seeds import require_sound_seeds
from orchestration.passes.records import read_passes, record_state
from orchestration.passes.scope import export_for_dbt

# What must be known before passes are opened: who there is, and which dates are bill dates.
BEFORE_PASSES = "resource_type:seed +int_billing_accounts__current +int_bill_periods__aligned"
AFTER_PASSES = "staging intermediate"


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
        _, reports = build_selected(context, house, "loading tariff and accounts")
    say("loaded the tariff and the accounts")
    yield from reports


@dbt_assets(
    manifest=open_house().dbt.manifest,
    select=AFTER_PASSES,
    exclude=BEFORE_PASSES,
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
        results, reports = build_selected(context, house, "calculation")
        if not any(result.has_failed for result in results):
            _record(context)
    say(f"calculated and validated: {len(results)} models and checks")
    yield from reports


def _record(context: dg.AssetExecutionContext) -> None:
    house = open_house()
    with house.ledger.write() as connection:
        of_date = read_passes(connection, bill_date_of(context))
        unissued = [one.pass_id for one in of_date if not one.is_issued]
        for state in ("rated", "calculated", "validated"):
            record_state(connection, house.settings, unissued, state)
