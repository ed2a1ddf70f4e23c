"""Allowances drawn layer by layer are what going through the events one by one would draw."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.collect.inbox import ensure_landing
from orchestration.issue.frozen import frozen_entities
from orchestration.ledger.store import open_ledger
from orchestration.lib.dbt import Dbt, Workspace, require_success
from orchestration.passes.scope import export_for_dbt
from orchestration.settings import Settings

pytestmark = pytest.mark.heavy

ACCOUNT_OF = {"s1": "a1", "s2": "a1", "s3": "a2"}
FIRST = date(2026, 10, 1)
LAYERED, BY_EVENT = "int_allowances__layered", "int_allowance_draws__by_event"
SUMMED = "int_allowance_draws__summed"


@dataclass(frozen=True)
class Grant:
    """An allowance of a pool, as `int_allowances__granted` has it."""

    allowance_grant_id: str
    pool_id: str
    billing_account_id: str
    allowance_id: str
    allowance_scope_id: str
    priority: int
    draw_increment: int
    is_shared: bool
    quantity: int
    available_quantity: int
    granted_from: date
    usable_to: date
    drawn_before_quantity: int = 0
    is_lasting: bool = False


@dataclass(frozen=True)
class Used:
    """A segment of an event, as `int_usage__gathered` has it."""

    event_id: str
    segment_number: int
    subscription_id: str
    billing_account_id: str
    service: str
    rating_group: str | None
    zone_id: str
    time_band_id: str
    units: int
    started_at: datetime
    started_local: datetime
    pass_id: str = "p1"


Scopes = dict[str, set[tuple[str, str, str, str]]]
# What each segment has free, and what each allowance of a pool drew and made free.
Drawn = tuple[dict[tuple[str, int], int], dict[tuple[str, str], tuple[int, int]]]

SCOPES = st.fixed_dictionaries(
    {
        f"scope{number}": st.sets(
            st.tuples(
                st.sampled_from(["data", "sms"]),
                st.sampled_from(["*", "*", "10", "20"]),
                st.sampled_from(["*", "home", "abroad"]),
                st.sampled_from(["*", "day", "night"]),
            ),
            min_size=1,
            max_size=2,
        )
        for number in range(3)
    }
)


@st.composite
def grants(draw: st.DrawFn) -> list[Grant]:
    made = []
    for number in range(draw(st.integers(1, 5))):
        subscription = draw(st.sampled_from(sorted(ACCOUNT_OF)))
        is_shared = draw(st.booleans())
        starts = FIRST + timedelta(days=draw(st.sampled_from([0, 0, 0, 5, 10])))
        quantity = draw(st.integers(1, 30))
        made.append(
            Grant(
                allowance_grant_id=f"g{number}",
                pool_id=ACCOUNT_OF[subscription] if is_shared else subscription,
                billing_account_id=ACCOUNT_OF[subscription],
                allowance_id=f"allowance{number}",
                allowance_scope_id=f"scope{draw(st.integers(0, 2))}",
                priority=draw(st.integers(1, 3)),
                draw_increment=draw(st.sampled_from([1, 1, 3, 5])),
                is_shared=is_shared,
                quantity=quantity,
                available_quantity=quantity,
                granted_from=starts,
                usable_to=starts + timedelta(days=draw(st.sampled_from([7, 31, 62]))),
            )
        )
    return made


@st.composite
def usage(draw: st.DrawFn) -> list[Used]:
    made = []
    for number in range(draw(st.integers(0, 25))):
        subscription = draw(st.sampled_from(sorted(ACCOUNT_OF)))
        started = datetime.combine(FIRST, time()) + timedelta(hours=draw(st.integers(0, 30 * 24)))
        made.append(
            Used(
                event_id=f"e{number}",
                segment_number=draw(st.integers(1, 2)),
                subscription_id=subscription,
                billing_account_id=ACCOUNT_OF[subscription],
                service=draw(st.sampled_from(["data", "sms"])),
                rating_group=draw(st.sampled_from([None, "10", "20"])),
                zone_id=draw(st.sampled_from(["home", "abroad"])),
                time_band_id=draw(st.sampled_from(["day", "night"])),
                units=draw(st.sampled_from([0, 1, 2, 3, 5, 7, 12])),
                started_at=started,
                started_local=started,
            )
        )
    return made


def one_by_one(scopes: Scopes, granted: list[Grant], used: list[Used]) -> Drawn:
    """Go through the events as a person would: each draws on what there is, in order."""
    left = {one.allowance_grant_id: one.available_quantity for one in granted}
    free: dict[tuple[str, int], int] = {}
    drawn: dict[tuple[str, str], tuple[int, int]] = {}
    order = sorted(
        granted,
        key=lambda one: (
            one.priority,
            one.usable_to,
            one.granted_from,
            one.allowance_id,
            one.pool_id,
        ),
    )
    for event in sorted(used, key=lambda one: (one.started_at, one.event_id, one.segment_number)):
        needed = event.units
        for grant in order:
            if not _may_draw(scopes, grant, event):
                continue
            step, there = grant.draw_increment, left[grant.allowance_grant_id]
            taken = min(-(-needed // step) * step, there // step * step)
            if taken == 0:
                continue
            left[grant.allowance_grant_id] -= taken
            covered = min(taken, needed)
            needed -= covered
            segment, pool = (
                (event.event_id, event.segment_number),
                (grant.pool_id, grant.allowance_id),
            )
            free[segment] = free.get(segment, 0) + covered
            before = drawn.get(pool, (0, 0))
            drawn[pool] = (before[0] + taken, before[1] + covered)
    return free, drawn


def _may_draw(scopes: Scopes, grant: Grant, event: Used) -> bool:
    return (
        grant.pool_id in (event.subscription_id, event.billing_account_id)
        and grant.granted_from <= event.started_local.date() < grant.usable_to
        and any(
            service == event.service
            and group in ("*", event.rating_group)
            and zone in ("*", event.zone_id)
            and band in ("*", event.time_band_id)
            for service, group, zone, band in scopes[grant.allowance_scope_id]
        )
    )


class Models:
    """The models of a built warehouse, to be run over rows of one's own."""

    def __init__(self, built: Settings) -> None:
        self.warehouse = built.warehouse
        compiled = built.home / "target/compiled/tollhouse/models/intermediate/rating"
        self.queries = {
            name: (compiled / f"{name}.sql").read_text("utf-8").replace('"warehouse".', "")
            for name in (LAYERED, BY_EVENT, SUMMED)
        }

    def draw(self, scopes: Scopes, granted: list[Grant], used: list[Used]) -> Drawn:
        tables: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for name, kinds in scopes.items():
            for kind in sorted(kinds):
                values = (name, *kind)
                columns = (
                    "allowance_scope_id",
                    "service",
                    "rating_group",
                    "zone_id",
                    "time_band_id",
                )
                tables["seeds.allowance_scopes"].append(dict(zip(columns, values, strict=True)))
        for subscription, account in ACCOUNT_OF.items():
            ids: dict[str, Any] = {
                "subscription_id": subscription,
                "billing_account_id": account,
            }
            tables["intermediate.int_subscription_cycles__dated"].append(ids)
        for account in set(ACCOUNT_OF.values()):
            row = {"pass_id": "p1", "billing_account_id": account, "period_end": date(2026, 11, 1)}
            tables["intermediate.int_accounts__in_scope"].append(row)
        tables["intermediate.int_usage__fair_use"] = []
        tables["intermediate.int_allowance_draws__reopened"] = []
        tables["intermediate.int_passes__in_scope"] = [{"pass_id": "p1"}]
        tables["intermediate.int_allowances__granted"] = [asdict(one) for one in granted]
        tables["intermediate.int_usage__gathered"] = [asdict(one) for one in used]
        with duckdb.connect() as connection:
            connection.execute(f"attach '{self.warehouse}' as built (read_only)")
            connection.execute("create schema seeds; create schema intermediate")
            for table, rows in tables.items():
                connection.execute(f"create table {table} as from built.{table} limit 0")
                for row in rows:
                    marks = ", ".join("?" * len(row))
                    connection.execute(
                        f"insert into {table} ({', '.join(row)}) values ({marks})", [*row.values()]
                    )
            for name in (LAYERED, BY_EVENT, SUMMED):
                connection.execute(f"create table intermediate.{name} as {self.queries[name]}")
            free = connection.execute(
                f"select event_id, segment_number, sum(free_units) from intermediate.{BY_EVENT}"
                " group by all"
            ).fetchall()
            drawn = connection.execute(
                f"select pool_id, allowance_id, drawn_quantity, free_quantity"
                f" from intermediate.{SUMMED}"
            ).fetchall()
        return (
            {(event, segment): int(units) for event, segment, units in free},
            {(pool, allowance): (taken, covered) for pool, allowance, taken, covered in drawn},
        )


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    project = Path(__file__).parents[2]
    built = Settings(home=tmp_path_factory.mktemp("layers") / "home", project_root=project)
    ensure_landing(built, [entity.landing_table for entity in frozen_entities(built)])
    ledger = open_ledger(built.ledger_url)
    export_for_dbt(built, ledger)
    ledger.engine.dispose()
    dbt = Dbt(Workspace.production(built))
    require_success(dbt.build("resource_type:seed", f"+{SUMMED}"), "the empty warehouse")
    return Models(built)


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(scopes=SCOPES, granted=grants(), used=usage())
def test_layers_draw_what_the_events_one_by_one_would(
    models: Models, scopes: Scopes, granted: list[Grant], used: list[Used]
) -> None:
    assert models.draw(scopes, granted, used) == one_by_one(scopes, granted, used)
