"""The common benchmark through this project: the same seeds, collectors and models that bill."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import duckdb

from orchestration.bench.operator import write_inbox, write_seeds
from orchestration.bench.workload import BLOCK_BYTES, MONTH_END, make_tariff
from orchestration.collect.inbox import collect_inbox, ensure_landing, read_manifest
from orchestration.issue.frozen import frozen_entities
from orchestration.ledger.store import open_ledger
from orchestration.lib.dbt import Dbt, Workspace, require_success
from orchestration.lib.lock import writer_lock
from orchestration.lib.seeds import require_sound_seeds
from orchestration.lib.warehouse import open_warehouse
from orchestration.passes.opening import open_main_passes, read_due_cycles, take_up
from orchestration.passes.scope import export_for_dbt
from orchestration.settings import Settings

BEFORE_PASSES = (
    "resource_type:seed",
    "+int_billing_accounts__current",
    "+int_bill_periods__aligned",
)
TOTALS = f"""
    select
        (select count(*) from intermediate.int_usage__suspended) as suspended,
        count(distinct event_id) as rated,
        cast(sum(free_units // case service when 'data' then {BLOCK_BYTES} else 1 end) as bigint)
            as free_units,
        sum(rated_amount) as rated_amount
    from intermediate.int_usage__rated
"""


@dataclass(frozen=True)
class Totals:
    """What every engine must agree on: events after their copies, units that were free, amount."""

    events: int
    suspended: int
    free_units: int
    rated_amount: Decimal


def rate_workload(settings: Settings, scratch: Path, events: int) -> Totals:
    """Rate the month of so many events in a home under `scratch`; raises what a bill run raises.

    `settings` name the project whose models are run; nothing of its home is touched.
    """
    home = replace(settings, home=scratch / "home", project_root=scratch / "project")
    shutil.copytree(
        settings.dbt_project, home.dbt_project, ignore=shutil.ignore_patterns("target", "logs")
    )
    tariff = make_tariff()
    write_seeds(settings.seeds, home.seeds, tariff)
    with duckdb.connect() as memory:
        write_inbox(memory, home.inbox, tariff, events)
    require_sound_seeds(home)
    ledger = open_ledger(home.ledger_url)
    dbt = Dbt(Workspace.production(home))
    with writer_lock(home):
        ensure_landing(home, [entity.landing_table for entity in frozen_entities(home)])
        collect_inbox(home, datetime(2026, 11, 1, 2, 0))  # noqa: DTZ001 - landing holds UTC
        export_for_dbt(home, ledger)
        require_success(dbt.build(*BEFORE_PASSES), "accounts")
        passes = open_main_passes(home, ledger, MONTH_END, read_due_cycles(home, MONTH_END))
        take_up(home, ledger, passes, max(row.landing_sequence for row in read_manifest(home)))
        export_for_dbt(home, ledger)
        require_success(dbt.build("staging", "intermediate"), "rating and charges")
    ledger.engine.dispose()
    with open_warehouse(home) as warehouse:
        row = warehouse.execute(TOTALS).fetchone()
    if row is None:
        raise RuntimeError("the warehouse has no rated usage")
    suspended, rated, free_units, rated_amount = row
    return Totals(rated + suspended, suspended, free_units, rated_amount)
