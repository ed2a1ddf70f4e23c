"""What an order would change: a scratch build of its accounts' next pass, with the order in it.

The scratch ledger is a copy of the live one with the order and a pass of each cycle concerned; the
models that will carry the order out compute it from the live landing. Nothing else is written.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
from sqlalchemy import insert, select

from orchestration.collect.inbox import ensure_landing, read_manifest
from orchestration.issue.frozen import frozen_entities
from orchestration.ledger.schema import LEDGER_TABLES, pass_accounts, passes
from orchestration.ledger.store import Ledger, append_rows, open_ledger
from orchestration.lib.dbt import Dbt, Workspace
from orchestration.lib.lock import file_lock, writer_lock
from orchestration.lib.progress import Progress
from orchestration.lib.warehouse import open_warehouse, read_rows
from orchestration.passes.records import BillPass, read_passes, record_state
from orchestration.passes.scope import export_for_dbt, write_scope
from orchestration.rerating.ordering import Order, RerateError, post_order
from orchestration.scratch.building import (
    WAIT_SECONDS,
    build_nodes,
    clear_side,
    copy_warehouse,
    needed_nodes,
)
from orchestration.settings import Settings

OUTPUTS = ("int_usage__rated", "int_tier_fees__due")
# Whom the order concerns, in the cycles that bill them now.
CONCERNED = """
    select distinct
        accounts.legal_entity_id, accounts.bill_cycle_id, accounts.billing_account_id
    from intermediate.int_usage__billed as billed
    inner join intermediate.int_billing_accounts__current as accounts
        on billed.billing_account_id = accounts.billing_account_id
    where
        cast(billed.started_local as date) >= $usage_from
        and cast(billed.started_local as date) < $usage_to
        and coalesce(billed.billing_account_id = $billing_account_id, $billing_account_id is null)
        and coalesce(billed.plan_id = $plan_id, $plan_id is null)
        and coalesce(billed.zone_id = $zone_id, $zone_id is null)
    order by all
"""
# Without what is late: it is billed with or without the order.
DIFFERENCES = """
    with opened as (
        select distinct event_id
        from intermediate.int_usage__rated
        where is_reversal and pass_id in (select unnest($pass_ids))
    ),
    amounts as (
        select
            rated.billing_account_id,
            rated.subscription_id,
            rated.charge_code,
            rated.currency_code,
            rated.usage_period_start as period_start,
            rated.usage_period_end as period_end,
            if(rated.is_reversal, -rated.rated_amount, 0) as billed_amount,
            rated.rated_amount as difference_amount
        from intermediate.int_usage__rated as rated
        inner join opened on rated.event_id = opened.event_id
        where rated.pass_id in (select unnest($pass_ids))
        union all
        select
            fees.billing_account_id,
            fees.subscription_id,
            fees.charge_code,
            fees.currency_code,
            fees.period_start,
            fees.period_end,
            counters.fee_amount,
            fees.amount
        from intermediate.int_tier_fees__due as fees
        inner join intermediate.int_tier_counters__reopened as counters
            on
                fees.pass_id = counters.pass_id
                and fees.billing_account_id = counters.billing_account_id
                and fees.subscription_id = counters.subscription_id
                and fees.price_tier_set_id = counters.price_tier_set_id
                and fees.period_start = counters.usage_period_start
        where fees.pass_id in (select unnest($pass_ids))
    )
    select
        billing_account_id,
        subscription_id,
        charge_code,
        currency_code,
        period_start,
        period_end,
        cast(sum(billed_amount) as decimal(18, 6)) as billed_amount,
        cast(sum(difference_amount) as decimal(18, 6)) as difference_amount
    from amounts
    group by all
    having sum(difference_amount) <> 0
    order by
        abs(sum(difference_amount)) desc,
        billing_account_id, subscription_id, charge_code, period_start
"""


@dataclass(frozen=True)
class Difference:
    """What one charge of a period would be more or less, before reductions, rounding and tax."""

    billing_account_id: str
    subscription_id: str
    charge_code: str
    currency_code: str
    period_start: date
    period_end: date
    billed_amount: Decimal
    difference_amount: Decimal


@dataclass(frozen=True)
class Rerating:
    """An order and what it would change, the largest difference first."""

    order: Order
    account_count: int
    differences: tuple[Difference, ...]

    @property
    def totals(self) -> Mapping[str, Decimal]:
        """The sum of all differences by currency."""
        sums: defaultdict[str, Decimal] = defaultdict(Decimal)
        for one in self.differences:
            sums[one.currency_code] += one.difference_amount
        return dict(sorted(sums.items()))

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values, for JSON."""
        return {**asdict(self), "totals": dict(self.totals)}


def preview(settings: Settings, order: Order, say: Callable[[str], None] | None = None) -> Rerating:
    """Compute what an order, with those not carried out yet, would change of issued bills.

    Reads the live house and writes only below `home/scratch`. Raises `RerateError` when no issued
    usage is meant, and `DbtError` when a model fails.
    """
    folder = settings.home / "scratch" / "rerate"
    with file_lock(settings.home / "scratch" / "rerate.lock"):
        clear_side(folder)
        try:
            made = Workspace.scratch(settings, folder)
            scratch = replace(
                settings,
                exports_override=made.exports,
                ledger_url_override=f"sqlite:///{folder / 'ledger.sqlite'}",
            )
            ensure_landing(settings, [one.landing_table for one in frozen_entities(settings)])
            with writer_lock(settings, WAIT_SECONDS):
                concerned = _concerned(settings, order)
                if say is not None:
                    say(f"{len(concerned):,} accounts have such usage; it is rated again")
                pass_ids = _open(settings, scratch, order, concerned)
                copy_warehouse(settings.warehouse, made.warehouse)
            _build(settings, made)
            with duckdb.connect(str(made.warehouse), read_only=True) as warehouse:
                rows = read_rows(warehouse, DIFFERENCES, {"pass_ids": pass_ids})
            return Rerating(order, len(concerned), tuple(Difference(**row) for row in rows))
        finally:
            clear_side(folder)


def _concerned(settings: Settings, order: Order) -> list[tuple[str, str, str]]:
    with open_warehouse(settings) as warehouse:
        rows = read_rows(warehouse, CONCERNED, vars(order))
    if not rows:
        raise RerateError(f"there is no issued {order}")
    return [
        (row["legal_entity_id"], row["bill_cycle_id"], row["billing_account_id"]) for row in rows
    ]


def _open(
    settings: Settings,
    scratch: Settings,
    order: Order,
    concerned: Sequence[tuple[str, str, str]],
) -> list[str]:
    """Put the order and a pass of each cycle into the scratch ledger; export it, these in scope."""
    watermark = max(row.landing_sequence for row in read_manifest(settings))
    by_cycle: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for entity, cycle, account in concerned:
        by_cycle[entity, cycle].append(account)
    with (
        closing(_Opened(settings.ledger_url)) as live,
        closing(_Opened(scratch.ledger_url)) as copy,
    ):
        _copy(live.ledger, copy.ledger)
        post_order(copy.ledger, order, "preview")
        with copy.ledger.write() as connection:
            known = read_passes(connection)
            opened = []
            for (entity, cycle), accounts in by_cycle.items():
                last = _last(known, entity, cycle)
                pass_id = f"{last.bill_run_id}-rerating"
                row = {
                    "pass_id": pass_id,
                    "bill_run_id": last.bill_run_id,
                    "pass_kind": "off_cycle",
                    "pass_number": 1,
                    "issue_date": last.issue_date,
                }
                append_rows(connection, passes, [row])
                append_rows(
                    connection,
                    pass_accounts,
                    [{"pass_id": pass_id, "billing_account_id": one} for one in accounts],
                )
                opened.append(pass_id)
            record_state(connection, scratch, opened, "collected", landing_watermark=watermark)
        export_for_dbt(scratch, copy.ledger, scratch.exports)
    write_scope(scratch.exports, opened)
    return opened


class _Opened:
    """A ledger that is let go of at the end."""

    def __init__(self, url: str) -> None:
        self.ledger = open_ledger(url)

    def close(self) -> None:
        self.ledger.engine.dispose()


def _copy(live: Ledger, copy: Ledger) -> None:
    with live.read() as source, copy.write() as target:
        for table in LEDGER_TABLES:
            rows = [dict(row) for row in source.execute(select(table)).mappings()]
            if rows:
                target.execute(insert(table), rows)


def _last(known: Sequence[BillPass], entity: str, cycle: str) -> BillPass:
    """Return the last issued pass of a cycle: its bill date sees all that is billed."""
    issued = [
        one
        for one in known
        if one.is_issued and (one.legal_entity_id, one.bill_cycle_id) == (entity, cycle)
    ]
    if not issued:
        raise RerateError(
            f"accounts of the order are in the bill cycle {cycle} of {entity} now, "
            "which has issued nothing yet"
        )
    return max(issued, key=lambda one: one.bill_date)


def _build(settings: Settings, made: Workspace) -> None:
    dbt = Dbt(made)
    dbt.parse()
    manifest = json.loads(dbt.manifest.read_bytes())
    nodes = needed_nodes(manifest, OUTPUTS)
    with Progress("rating again") as bar:
        build_nodes(
            settings,
            dbt,
            nodes,
            "rating again",
            lambda done, total: bar(round(done * 1000), round(total * 1000)),
        )
