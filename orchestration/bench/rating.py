"""The common benchmark through this project: the same seeds, collectors and models that bill."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import duckdb

from orchestration.bench.operator import TAX_TYPES, write_inbox, write_seeds
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
class Totals:
    """What every engine must agree on, of events after their copies; amounts in EUR.

    `checksum` is the sum of each invoice's cents times its number mod 1009, mod 1,000,000,007: it
    differs where equal sums are of unequal invoices.
    """

    events: int
    suspended: int
    free_units: int
    rated_amount: Decimal
    invoices: int
    net_amount: Decimal
    first_tax_amount: Decimal
    second_tax_amount: Decimal
    total_amount: Decimal
    checksum: int


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
        for file in collect_inbox(home, datetime(2026, 11, 1, 2, 0)):  # noqa: DTZ001 - UTC
            if file.records_accepted == 0 or file.records_rejected > 0:
                raise RuntimeError(f"{file.entity} did not arrive whole: {file.reason}")
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
    return Totals(*row)
