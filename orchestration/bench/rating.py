"""The common benchmark through this project: the same seeds, collectors and models that bill."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import duckdb

from orchestration.bench.operator import TAX_TYPES, write_inbox, write_seeds
from orchestration.bench.totals import Totals
from orchestration.bench.workload import (
    BLOCK_BYTES,
    MONTH_END,
    TABLES_FOLDER,
    make_tariff,
    make_usage,
    write_tables,
)
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
    with

    taxes as (

        select
            sum(tax_amount) filter (tax_type = '{TAX_TYPES[0]}') as first_tax_amount,
            sum(tax_amount) filter (tax_type = '{TAX_TYPES[1]}') as second_tax_amount
        from intermediate.int_invoice_taxes__computed

    ),

    invoices as (

        select
            count(*) as invoices,
            sum(net_amount) as net_amount,
            sum(total_amount) as total_amount,
            cast(
                sum(
                    cast(total_amount * 100 as bigint)
                    * (cast(substr(billing_account_id, 2) as bigint) % 1009)
                ) % 1000000007 as bigint
            ) as checksum
        from intermediate.int_invoices__totalled

    ),

    rated as (

        select
            count(distinct event_id) as events,
            cast(
                sum(free_units // case service when 'data' then {BLOCK_BYTES} else 1 end) as bigint
            ) as free_units,
            sum(rated_amount) as rated_amount
        from intermediate.int_usage__rated

    ),

    suspended as (select count(*) as events from intermediate.int_usage__suspended)

    select
        rated.events + suspended.events as events,
        suspended.events as suspended,
        rated.free_units,
        rated.rated_amount,
        invoices.invoices,
        cast(invoices.net_amount as decimal(18, 2)) as net_amount,
        cast(taxes.first_tax_amount as decimal(18, 2)) as first_tax_amount,
        cast(taxes.second_tax_amount as decimal(18, 2)) as second_tax_amount,
        cast(invoices.total_amount as decimal(18, 2)) as total_amount,
        invoices.checksum
    from rated, suspended, invoices, taxes
"""


@dataclass(frozen=True)
class Stage:
    """What the calculation cost: of the models alone, their project already parsed."""

    totals: Totals
    wall_seconds: float
    cpu_seconds: float


def rate_workload(settings: Settings, scratch: Path, events: int) -> Totals:
    """Rate the month of so many events in a home under `scratch`; raises what a bill run raises.

    `settings` name the project whose models are run; nothing of its home is touched.
    """
    return calculate(prepare(settings, scratch, events), data_tests=True).totals


def prepare(settings: Settings, scratch: Path, events: int) -> Settings:
    """Make the operator's home under `scratch`: usage landed, accounts built, the pass opened."""
    home = home_in(settings, scratch)
    shutil.copytree(
        settings.dbt_project, home.dbt_project, ignore=shutil.ignore_patterns("target", "logs")
    )
    tariff = make_tariff()
    write_seeds(settings.seeds, home.seeds, tariff)
    with duckdb.connect() as memory:
        make_usage(memory, tariff, events)
        write_inbox(memory, home.inbox)
        write_tables(memory, tariff, scratch / TABLES_FOLDER)
    require_sound_seeds(home)
    ledger = open_ledger(home.ledger_url)
    with writer_lock(home):
        ensure_landing(home, [entity.landing_table for entity in frozen_entities(home)])
        for file in collect_inbox(home, datetime(2026, 11, 1, 2, 0)):  # noqa: DTZ001 - UTC
            if file.records_accepted == 0 or file.records_rejected > 0:
                raise RuntimeError(f"{file.entity} did not arrive whole: {file.reason}")
        export_for_dbt(home, ledger)
        require_success(Dbt(Workspace.production(home)).build(*BEFORE_PASSES), "accounts")
        passes = open_main_passes(home, ledger, MONTH_END, read_due_cycles(home, MONTH_END))
        take_up(home, ledger, passes, max(row.landing_sequence for row in read_manifest(home)))
        export_for_dbt(home, ledger)
    ledger.engine.dispose()
    return home


def home_in(settings: Settings, scratch: Path) -> Settings:
    """Return the settings of the operator's home under `scratch`."""
    return replace(settings, home=scratch / "home", project_root=scratch / "project")


def calculate(home: Settings, data_tests: bool) -> Stage:
    """Build everything from staging to the invoices' totals in a prepared home."""
    dbt = Dbt(Workspace.production(home))
    dbt.parse()
    started, used = time.perf_counter(), time.process_time()
    with writer_lock(home):
        results = dbt.build("staging", "intermediate", data_tests=data_tests)
        require_success(results, "rating and charges")
    wall, cpu = time.perf_counter() - started, time.process_time() - used
    with open_warehouse(home) as warehouse:
        row = warehouse.execute(TOTALS).fetchone()
    if row is None:
        raise RuntimeError("the warehouse has no rated usage")
    return Stage(Totals(*row), wall, cpu)
