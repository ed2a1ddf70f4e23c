"""`tollhouse quote`: bill a period's usage with every subscription on every plan, in one build."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any

import duckdb

from orchestration.ledger.store import open_ledger
from orchestration.lib.dbt import Dbt
from orchestration.lib.lock import file_lock, writer_lock
from orchestration.lib.progress import Progress
from orchestration.lib.warehouse import read_rows
from orchestration.quote import queries
from orchestration.quote.world import SUFFIX, World, make_world
from orchestration.review.text import counted
from orchestration.scratch.as_of import find_as_of
from orchestration.scratch.building import (
    WAIT_SECONDS,
    build_nodes,
    clear_side,
    needed_nodes,
)
from orchestration.scratch.trees import require_sound, with_seeds, working_tree
from orchestration.settings import Settings


@dataclass(frozen=True)
class PlanCost:
    """What a period would have cost on one plan, without tax.

    `shared_amount` is what the plan changes on the account's other lines; `total_amount` is None
    when records have no price on it.
    """

    billing_account_id: str
    subscription_id: str
    present_plan_id: str
    plan_id: str
    plan_name: str
    currency_code: str
    recurring_amount: Decimal
    usage_amount: Decimal
    other_amount: Decimal
    shared_amount: Decimal
    total_amount: Decimal | None
    unpriced_count: int
    is_cheapest: bool


@dataclass(frozen=True)
class Quote:
    """A subscription's present plan and its cheapest; `cheapest_plan_id` None: none has a price."""

    billing_account_id: str
    subscription_id: str
    present_plan_id: str
    cheapest_plan_id: str | None
    currency_code: str
    present_amount: Decimal | None
    cheapest_amount: Decimal | None
    saving_amount: Decimal
    plans: tuple[PlanCost, ...] = ()


@dataclass(frozen=True)
class Advice:
    """How many subscriptions of one plan were best on another, and what all of them would save."""

    currency_code: str
    present_plan_id: str
    cheapest_plan_id: str | None
    subscription_count: int
    saving_amount: Decimal


@dataclass(frozen=True)
class Quotes:
    """Everybody's quote, the largest saving first."""

    bill_date: date
    tariff: str
    quotes: tuple[Quote, ...]
    advice: tuple[Advice, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the quotes as plain values, for JSON."""
        return asdict(self)


def run_quote(
    settings: Settings,
    account: str = "",
    bill_date: date | None = None,
    seeds: Path | None = None,
    say: Callable[[str], None] | None = None,
) -> Quotes:
    """Quote one account, or all, over the usage of the period billed on a date.

    The newest bill date by default; `seeds` is laid over the tariff of the working tree. Reads the
    live house and writes only below `home/scratch`. Raises `TariffError`, `NoPassError` and
    `QuoteError`.
    """
    told = say or (lambda _: None)
    with file_lock(settings.home / "scratch" / "quote.lock"):
        folder = settings.home / "scratch" / "quote"
        clear_side(folder)
        try:
            tree = working_tree(settings)
            if seeds is not None:
                tree = with_seeds(settings, tree, seeds, folder / "tree")
            require_sound(tree)
            ledger = open_ledger(settings.ledger_url)
            try:
                as_of = find_as_of(settings, ledger, bill_date)
            finally:
                ledger.engine.dispose()
            with writer_lock(settings, WAIT_SECONDS):
                world = make_world(settings, tree, as_of, account, folder)
            told(
                f"{counted(world.subscription_count, 'subscription')} on every plan: "
                f"{counted(world.scenario_count, 'bill')} of {as_of.bill_date}"
            )
            _build(settings, world)
            quotes, advice = _read(world)
            return Quotes(as_of.bill_date, tree.label, quotes, advice)
        finally:
            clear_side(folder)


def _build(settings: Settings, world: World) -> None:
    dbt = Dbt(world.workspace)
    manifest = json.loads(dbt.manifest.read_bytes())
    nodes = needed_nodes(manifest, queries.OUTPUTS)
    with Progress("billing every plan") as bar:
        build_nodes(
            world.settings,
            dbt,
            nodes,
            "billing every plan",
            lambda done, total: bar(round(done * 1000), round(total * 1000)),
        )


def _read(world: World) -> tuple[tuple[Quote, ...], tuple[Advice, ...]]:
    with duckdb.connect() as sql:
        sql.execute(f"attach '{_escaped(world.workspace.warehouse)}' as warehouse (read_only)")
        sql.execute(f"create table scenarios as from read_parquet('{_escaped(world.scenarios)}')")
        sql.execute("create table plans as from warehouse.seeds.plans")
        costs = queries.COSTS.replace("$suffix", f"'{SUFFIX}'")
        sql.execute(queries.COMPARED.format(costs=costs))
        listed = [PlanCost(**row) for row in read_rows(sql, "from quoted")]
        by_subscription = attrgetter("billing_account_id", "subscription_id")
        listed.sort(key=by_subscription)
        plans = {key: tuple(costs) for key, costs in groupby(listed, key=by_subscription)}
        quotes = tuple(
            Quote(**row, plans=plans[row["billing_account_id"], row["subscription_id"]])
            for row in read_rows(sql, queries.QUOTES)
        )
        summary = queries.SUMMARY.format(quotes=queries.QUOTES)
        advice = tuple(Advice(**row) for row in read_rows(sql, summary))
    return quotes, advice


def _escaped(path: Path) -> str:
    return str(path).replace("'", "''")
