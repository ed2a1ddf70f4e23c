"""A scratch home in which every subscription is on every plan: plans as data, one build.

A scenario is a copy of an account with one of its subscriptions on one plan for the whole period;
its other subscriptions and all options stay as they are. Ids of copies end in `~` and the number of
the scenario. Stays begin with the period and end with the bill date, so that each recurring charge
is one period's, whatever was billed before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import duckdb

from orchestration.collect.entities import BESIDE, MANIFEST, LandingTable, collected_tables
from orchestration.collect.inbox import ensure_landing
from orchestration.issue.frozen import frozen_entities
from orchestration.ledger.store import open_ledger
from orchestration.lib.dbt import Workspace
from orchestration.lib.errors import TollhouseError
from orchestration.passes.opening import DueCycle, open_main_passes, take_up
from orchestration.passes.scope import export_for_dbt
from orchestration.scratch.as_of import AsOf
from orchestration.scratch.trees import Tree
from orchestration.settings import Settings

# What a bill consists of beside plans and usage is the same on every plan, or of the past.
LEFT_OUT = frozenset({"payments", "deposits", "one_off_charges", "manifest"}) | {
    table.name for table in BESIDE
}
SHARED_IDS = frozenset({"subscription_id", "billing_account_id", "customer_id"})
OPENING = "opening_"
# Of these one version of each row is copied.
ORDERLESS = frozenset({"usage", "subscription_plans"})
SUFFIX = "~"

# Who is quoted: accounts of the passes with a subscription on a plan on the last day of the period.
HELD = """
    create table held as
    select
        accounts.billing_account_id,
        accounts.legal_entity_id,
        accounts.bill_cycle_id,
        accounts.time_zone,
        periods.period_start,
        periods.period_end,
        stays.subscription_id,
        max_by(stays.plan_id, stays.effective_from) as plan_id
    from warehouse.intermediate.int_billing_accounts__current as accounts
    inner join warehouse.intermediate.int_bill_periods__aligned as periods
        on
            accounts.legal_entity_id = periods.legal_entity_id
            and accounts.bill_cycle_id = periods.bill_cycle_id
            and periods.period_end = $bill_date
    inner join warehouse.intermediate.int_subscription_plans__effective as stays
        on accounts.billing_account_id = stays.billing_account_id
    where
        accounts.legal_entity_id || '-' || accounts.bill_cycle_id in (select unnest($cycles))
        and stays.plan_type = 'plan'
        and stays.effective_from < periods.period_end
        and stays.effective_to >= periods.period_end
        and ($account = '' or accounts.billing_account_id = $account)
    group by all
"""
# The plans on sale on the last day, and the one that a subscription has, sold or not.
SCENARIOS = """
    create table scenarios as
    with offered as (
        select plan_id
        from plans
        where
            plan_type = 'plan'
            and valid_from < $bill_date
            and coalesce(valid_to, date '9999-12-31') >= $bill_date
    ),
    combined as (
        select held.*, offered.plan_id as quoted_plan_id
        from held
        cross join offered
        union
        select held.*, held.plan_id as quoted_plan_id
        from held
    )
    select
        row_number() over (order by billing_account_id, subscription_id, quoted_plan_id)
            as scenario,
        billing_account_id || $suffix || scenario as scenario_account_id,
        combined.*
    from combined
"""
# In a scenario's account are all subscriptions that the account has.
MEMBERS = """
    create table members as
    select
        scenarios.scenario,
        scenarios.scenario_account_id,
        scenarios.time_zone,
        scenarios.period_start,
        scenarios.period_end,
        subscriptions.subscription_id,
        subscriptions.subscription_id || $suffix || scenarios.scenario
            as scenario_subscription_id,
        if(subscriptions.subscription_id = scenarios.subscription_id,
            scenarios.quoted_plan_id, null) as quoted_plan_id
    from scenarios
    inner join warehouse.intermediate.int_subscriptions__dated as subscriptions
        on scenarios.billing_account_id = subscriptions.billing_account_id
    where subscriptions.is_current
"""
COPY_PLANS = """
    with latest as (
        select subscription_plans.*
        from subscription_plans
        qualify row_number() over (
            partition by subscription_id, plan_id, valid_from
            order by landing_sequence desc, record_number desc
        ) = 1
    ),
    -- A plan that the tariff does not know is told by validation; here it counts as a plan.
    typed as (
        select latest.*, coalesce(plans.plan_type, 'plan') as plan_type
        from latest
        left join plans on latest.plan_id = plans.plan_id
    ),
    kept as (
        select typed.*, members.scenario_subscription_id, members.period_start, members.period_end
        from typed
        inner join members on typed.subscription_id = members.subscription_id
        where
            (members.quoted_plan_id is null or typed.plan_type <> 'plan')
            and typed.valid_from < members.period_end
            and coalesce(typed.valid_to, date '9999-12-31') > members.period_start
    ),
    put_on as (
        select
            typed.* replace (members.quoted_plan_id as plan_id, typed.valid_from as valid_from),
            members.scenario_subscription_id,
            members.period_start,
            members.period_end
        from typed
        inner join members on typed.subscription_id = members.subscription_id
        where members.quoted_plan_id is not null and typed.plan_type = 'plan'
        qualify row_number() over (
            partition by members.scenario_subscription_id order by typed.valid_from
        ) = 1
    )
    select
        * exclude (plan_type, scenario_subscription_id, period_start, period_end)
        replace (
            scenario_subscription_id as subscription_id,
            greatest(valid_from, period_start) as valid_from,
            least(coalesce(valid_to, period_end), period_end) as valid_to
        )
    from kept
    union all by name
    select
        * exclude (plan_type, scenario_subscription_id, period_start, period_end)
        replace (
            scenario_subscription_id as subscription_id,
            greatest(valid_from, period_start) as valid_from,
            period_end as valid_to
        )
    from put_on
"""
COPY_USAGE = """
    select
        usage.* replace (
            usage.event_id || $suffix || members.scenario as event_id,
            usage.record_id || $suffix || members.scenario as record_id,
            usage.identifier || $suffix || members.scenario as identifier
        )
    from usage
    inner join warehouse.intermediate.int_guiding__timeline as guided
        on
            usage.identifier = guided.identifier
            and usage.started_at >= guided.valid_from
            and usage.started_at < guided.valid_to
    inner join members
        on
            guided.subscription_id = members.subscription_id
            and usage.started_at >= (
                (members.period_start::timestamp at time zone members.time_zone)
                at time zone 'UTC'
            )
            and usage.started_at < (
                (members.period_end::timestamp at time zone members.time_zone)
                at time zone 'UTC'
            )
"""


class QuoteError(TollhouseError):
    """Nobody can be quoted; the text says why."""


@dataclass(frozen=True)
class World:
    """A scratch home: its settings, where dbt works, its passes and its scenarios as Parquet."""

    settings: Settings
    workspace: Workspace
    pass_ids: tuple[str, ...]
    scenarios: Path
    subscription_count: int
    scenario_count: int


def make_world(settings: Settings, tree: Tree, as_of: AsOf, account: str, folder: Path) -> World:
    """Make the scratch home below `folder`, an empty one but for its parsed project.

    The caller holds the writer lock: the live warehouse and landing are read. Raises `QuoteError`
    when no account of the passes can be quoted.
    """
    home = folder / "home"
    scratch = replace(
        tree.settings(settings), home=home, exports_override=None, ledger_url_override=""
    )
    ensure_landing(scratch, [one.landing_table for one in frozen_entities(scratch)])
    with duckdb.connect() as sql:
        sql.execute("set TimeZone = 'UTC'; set preserve_insertion_order = false")
        sql.execute(f"attach '{_escaped(settings.warehouse)}' as warehouse (read_only)")
        due = _make_scenarios(sql, tree, as_of, account)
        watermark = _copy_landing(sql, settings, scratch, as_of)
        scenarios = folder / "scenarios.parquet"
        sql.execute(f"copy scenarios to '{_escaped(scenarios)}' (format parquet)")
        (subscriptions, count) = sql.execute(
            "select count(distinct subscription_id), count(*) from scenarios"
        ).fetchall()[0]
    pass_ids = _open_passes(scratch, due, as_of.bill_date, watermark)
    made = Workspace.scratch(scratch, folder)
    workspace = replace(made, landing=scratch.landing, exports=scratch.exports)
    return World(scratch, workspace, pass_ids, scenarios, int(subscriptions), int(count))


def _make_scenarios(
    sql: duckdb.DuckDBPyConnection, tree: Tree, as_of: AsOf, account: str
) -> list[DueCycle]:
    plans = tree.root / "seeds" / "tariff" / "plans.csv"
    sql.execute(
        f"create table plans as from read_csv('{_escaped(plans)}', header=true,"
        " types={'plan_id': 'varchar', 'valid_from': 'date', 'valid_to': 'date'})"
    )
    cycles = [f"{one.legal_entity_id}-{one.bill_cycle_id}" for one in as_of.passes]
    named = {"bill_date": as_of.bill_date, "cycles": cycles, "account": account}
    sql.execute(HELD, named)
    sql.execute(SCENARIOS, {"bill_date": as_of.bill_date, "suffix": SUFFIX})
    sql.execute(MEMBERS, {"suffix": SUFFIX})
    rows = sql.execute(
        """
        select legal_entity_id, bill_cycle_id, list(scenario_account_id order by scenario)
        from scenarios
        group by all
        order by all
        """
    ).fetchall()
    if not rows:
        who = f"account {account}" if account else "no account"
        raise QuoteError(
            f"{who} {'has no' if account else 'has a'} subscription on a plan at the end of the "
            f"period billed on {as_of.bill_date}"
        )
    return [DueCycle(entity, cycle, tuple(accounts)) for entity, cycle, accounts in rows]


def _copy_landing(
    sql: duckdb.DuckDBPyConnection, settings: Settings, scratch: Settings, as_of: AsOf
) -> int:
    """Write the scenarios' landing, one file an entity; return the last landing sequence."""
    manifest = f"'{_escaped(settings.landing / MANIFEST.name)}/*/*.parquet'"
    sql.execute(
        "create table landed as select entity, file_id, landing_sequence"
        f" from read_parquet({manifest})"
        f" where status = 'accepted' and landing_sequence <= {as_of.watermark}"
    )
    sequence = 0
    for table in collected_tables():
        if table.name in LEFT_OUT or table.name.startswith(OPENING):
            continue
        files = f"'{_escaped(settings.landing / table.name)}/*/*.parquet'"
        sql.execute(
            f"create or replace view {table.name} as"
            " select source.*, landed.landing_sequence"
            f" from read_parquet({files}, hive_partitioning=false) as source"
            f" inner join landed on source.file_id = landed.file_id"
            f" and landed.entity = '{table.name}'"
        )
        sequence += 1
        _write_copies(sql, table, scratch, sequence)
    return sequence


def _write_copies(
    sql: duckdb.DuckDBPyConnection, table: LandingTable, scratch: Settings, sequence: int
) -> None:
    """Write one entity's copies as a landed file, and its row of the manifest."""
    file_id = f"quote-{table.name}"
    folder = scratch.landing / table.name / "arrival_date=1970-01-01"
    columns = [name for name, _ in table.columns]
    # A later row of one key replaces an earlier one: their order stays.
    order = "" if table.name in ORDERLESS else " order by landing_sequence, record_number"
    made = {"file_id": f"'{file_id}'", "record_number": f"row_number() over ({order.strip()})"}
    listed = ", ".join(f"{made.get(name, name)} as {name}" for name in columns)
    copies = _copies(table, columns).replace("$suffix", f"'{SUFFIX}'")
    target = folder / f"{file_id}.parquet"
    rows = sql.execute(
        f"copy (select {listed} from ({copies})) to '{_escaped(target)}' (format parquet)"
    ).fetchall()
    known = {
        "file_id": f"'{file_id}'",
        "landing_sequence": str(sequence),
        "entity": f"'{table.name}'",
        "file_name": f"'{file_id}.csv'",
        "received_at": "timestamp '1970-01-01'",
        "arrival_date": "date '1970-01-01'",
        "status": "'accepted'",
        "records_read": str(rows[0][0]),
        "records_accepted": str(rows[0][0]),
        "records_rejected": "0",
        "duration_seconds": "0",
        "volume_bytes": "0",
        "size_bytes": "0",
    }
    listed = ", ".join(
        f"cast({known.get(name, 'null')} as {kind}) as {name}" for name, kind in MANIFEST.columns
    )
    target = scratch.landing / MANIFEST.name / "arrival_date=1970-01-01" / f"{file_id}.parquet"
    sql.execute(f"copy (select {listed}) to '{_escaped(target)}' (format parquet)")


def _copies(table: LandingTable, columns: Sequence[str]) -> str:
    """Return the query of an entity's copies: by subscription, by account, or as it is.

    What is said of an account as a whole (a price for all its subscriptions, say) has no
    subscription and goes by the account. What a row is named by is its own in every scenario.
    """
    if table.name == "usage":
        return COPY_USAGE
    if table.name == "subscription_plans":
        return COPY_PLANS
    own_id = columns[2] if columns[2].endswith("_id") and columns[2] not in SHARED_IDS else None
    queries = []
    if "subscription_id" in columns:
        replaced = {"subscription_id": "copies.scenario_subscription_id"}
        if "billing_account_id" in columns:
            replaced["billing_account_id"] = (
                "if(source.billing_account_id is null, null, copies.scenario_account_id)"
            )
        if "identifier" in columns:
            replaced["identifier"] = "source.identifier || $suffix || copies.scenario"
        queries.append(_copied(table, "members", "subscription_id", replaced, own_id))
    if "billing_account_id" in columns:
        replaced = {"billing_account_id": "copies.scenario_account_id"}
        by_account = _copied(table, "scenarios", "billing_account_id", replaced, own_id)
        if queries:
            by_account += " where source.subscription_id is null"
        queries.append(by_account)
    return " union all ".join(queries) or f"select * from {table.name}"


def _copied(
    table: LandingTable, copies: str, key: str, replaced: dict[str, str], own_id: str | None
) -> str:
    if own_id is not None:
        replaced = {**replaced, own_id: f"source.{own_id} || $suffix || copies.scenario"}
    listed = ", ".join(f"{value} as {name}" for name, value in replaced.items())
    return (
        f"select source.* replace ({listed}) from {table.name} as source"
        f" inner join {copies} as copies on source.{key} = copies.{key}"
    )


def _open_passes(
    scratch: Settings, due: Sequence[DueCycle], bill_date: date, watermark: int
) -> tuple[str, ...]:
    """Open and collect a main pass of every cycle in the scratch home's own ledger."""
    scratch.home.mkdir(parents=True, exist_ok=True)
    ledger = open_ledger(scratch.ledger_url)
    try:
        opened = open_main_passes(scratch, ledger, bill_date, due)
        take_up(scratch, ledger, opened, watermark)
        export_for_dbt(scratch, ledger)
    finally:
        ledger.engine.dispose()
    return tuple(one.pass_id for one in opened)


def _escaped(path: Path) -> str:
    return str(path).replace("'", "''")
