"""One operator made of the rows of many cases: their tariff, their customers, their usage.

Every case adds seed rows and inbox rows under names of its own; then everything is checked, loaded,
collected and calculated once, by the same seeds, collectors and dbt models that bill customers.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import yaml

from orchestration.collect.entities import ENTITY_BY_NAME
from orchestration.collect.inbox import collect_inbox, ensure_landing, read_manifest
from orchestration.collect.seed_check import check_seeds
from orchestration.issue.frozen import frozen_entities
from orchestration.ledger.store import open_ledger
from orchestration.lib.dbt import Dbt, NodeResult, Workspace
from orchestration.lib.lock import writer_lock
from orchestration.lib.warehouse import open_warehouse
from orchestration.passes.opening import DueCycle, open_off_cycle_passes
from orchestration.passes.records import record_state
from orchestration.passes.scope import export_for_dbt
from orchestration.settings import Settings

PROJECT = Path(__file__).parents[1]
ENTITY = "vectors"
ALWAYS = "2000-01-01"
BILL_DATE = date(2026, 11, 1)

# What a row of a seed holds unless the case says otherwise; an absent column is empty.
DEFAULTS: dict[str, dict[str, object]] = {
    "plans": {"plan_type": "plan", "includes_roaming": True},
    "charge_codes": {"charge_type": "usage", "unit": "units", "display_order": 1},
    "recurring_charges": {"billing_timing": "advance", "proration": "days", "tax_category": "Z"},
    "usage_rates": {
        "rating_group": "*",
        "time_band_id": "*",
        "price_basis": "units",
        "span_increments": "run_on",
        "per_units": 1,
        "connect_amount": 0,
        "initial_increment": 1,
        "additional_increment": 1,
        "tax_category": "Z",
    },
    "zones": {"zone_type": "national", "is_home_like": False},
    "number_zones": {"direction": "outgoing", "is_whole_number": False, "serving_network": "*"},
    "time_band_sets": {"time_zone_basis": "home", "crossing": "split"},
    "time_bands": {
        "priority": 10,
        "weekdays": "*",
        "months": "*",
        "month_days": "*",
        "years": "*",
        "start_time": "00:00",
        "end_time": "24:00",
        "end_inclusive": False,
    },
    "allowance_scopes": {"rating_group": "*", "time_band_id": "*"},
    "allowances": {
        "draw_increment": 1,
        "draw_window": "period",
        "is_shared": False,
        "proration": "none",
        "rollover_periods": 0,
    },
    "bill_cycles": {"legal_entity_id": ENTITY, "interval_months": 1},
}

# Reference that cases add to; other tables hold what cases seed alone.
ADDED_TO = ("tax_jurisdictions", "tax_rates")


@dataclass(frozen=True)
class Subscriber:
    """An account with one subscription that holds one number."""

    account_id: str
    subscription_id: str
    msisdn: str
    cycle_id: str


class World:
    """The operator: add rows with `seed`, `inbox` and their shorthands, then `build`, then ask."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(home=folder / "home", project_root=folder / "project")
        self._columns = _read_columns()
        self._seeds: dict[str, list[dict[str, object]]] = {}
        self._inbox: dict[str, list[dict[str, object]]] = {}
        self._due: dict[tuple[str, date], list[str]] = {}
        self._taken: set[tuple[str, str]] = set()
        self._delivered: dict[str, int] = {}
        self._shared: set[int] = set()
        self._records = 0
        self._add_operator()

    # Adding rows

    def seed(self, table: str, **values: object) -> None:
        """Add a row to a tariff or policy seed; columns not named are filled by DEFAULTS or empty.

        Raises `KeyError` for a column that the seed does not have.
        """
        row = {**DEFAULTS.get(table, {}), **values}
        columns = self._columns[table]
        if "valid_from" in columns:
            row.setdefault("valid_from", ALWAYS)
        unknown = set(row) - set(columns)
        if unknown:
            raise KeyError(f"{table} has no column {', '.join(sorted(unknown))}")
        self._seeds.setdefault(table, []).append(row)

    def seed_once(self, table: str, key: str, **values: object) -> None:
        """Add a row that several cases share, the first time that its key is seen."""
        if (table, key) not in self._taken:
            self._taken.add((table, key))
            self.seed(table, **values)
            self._shared.add(id(self._seeds[table][-1]))

    def rows(self, table: str) -> list[dict[str, object]]:
        """Return the rows of a seed that are there so far."""
        return list(self._seeds.get(table, ()))

    def inbox(self, entity: str, **values: object) -> None:
        """Add a record to an inbox file; raises `KeyError` for a column that it does not have."""
        unknown = set(values) - {column.name for column in ENTITY_BY_NAME[entity].columns}
        if unknown:
            raise KeyError(f"{entity} has no column {', '.join(sorted(unknown))}")
        self._inbox.setdefault(entity, []).append(values)

    def charge_code(self, code: str, charge_type: str = "usage", unit: str = "units") -> str:
        """Make sure of a charge code."""
        self.seed_once(
            "charge_codes",
            code,
            charge_code=code,
            charge_type=charge_type,
            label_en=code,
            label_de=code,
            unit=unit,
        )
        return code

    def plan(
        self, plan_id: str, *, price: str = "0", currency: str = "EUR", **values: object
    ) -> str:
        """Add a plan of one band with rates of its own name, and what it costs a month."""
        self.seed(
            "plans",
            **{
                "plan_id": plan_id,
                "plan_name": plan_id,
                "rate_plan_id": plan_id,
                "time_band_set_id": "whole_day",
                **values,
            },
        )
        self.seed(
            "recurring_charges",
            recurring_charge_id=f"{plan_id}-fee",
            plan_id=plan_id,
            charge_code=self.charge_code("plan_fee", "recurring", "months"),
            amount=price,
            currency_code=currency,
        )
        return plan_id

    def cycle(self, anchor_day: int = 1, interval_months: int = 1, **values: object) -> str:
        """Make sure of a bill cycle and return its id."""
        named = "-".join(str(value) for value in values.values())
        cycle_id = f"every_{interval_months}_on_{anchor_day}" + (f"-{named}" if named else "")
        self.seed_once(
            "bill_cycles",
            cycle_id,
            bill_cycle_id=cycle_id,
            description=cycle_id,
            interval_months=interval_months,
            anchor_day=anchor_day,
            **values,
        )
        return cycle_id

    def subscriber(
        self,
        name: str,
        plan_id: str,
        *,
        cycle_id: str | None = None,
        currency: str = "EUR",
        time_zone: str = "Etc/UTC",
        activated: str = ALWAYS,
        terminated: str | None = None,
        msisdn: str | None = None,
        account_id: str | None = None,
    ) -> Subscriber:
        """Add a subscription that holds a plan and a number.

        Makes its account and customer too, unless `account_id` names one that is there already.
        """
        number = msisdn or f"88{len(self._inbox.get('subscriptions', ())):010d}"
        cycle_id = cycle_id or self.cycle()
        account = account_id or f"A-{name}"
        subscription = f"S-{name}"
        if account_id is None:
            self.inbox(
                "customers",
                customer_id=f"C-{name}",
                customer_type="person",
                customer_name=name,
                email="case@example.org",
                street="Street 1",
                postal_code="1",
                city="City",
                country_code="DE",
                valid_from=ALWAYS,
            )
            self.inbox(
                "billing_accounts",
                billing_account_id=account,
                customer_id=f"C-{name}",
                legal_entity_id=ENTITY,
                bill_cycle_id=cycle_id,
                currency_code=currency,
                time_zone=time_zone,
                language="en",
                delivery_channel="email",
                opened_date=activated,
                valid_from=activated,
            )
        self.inbox(
            "subscriptions",
            subscription_id=subscription,
            billing_account_id=account,
            activated_date=activated,
            terminated_date=terminated,
            valid_from=activated,
        )
        self.inbox(
            "subscription_plans",
            subscription_id=subscription,
            plan_id=plan_id,
            valid_from=activated,
        )
        self.inbox(
            "subscription_identifiers",
            subscription_id=subscription,
            identifier_type="msisdn",
            identifier=number,
            valid_from=f"{activated}T00:00:00Z",
        )
        return Subscriber(account, subscription, number, cycle_id)

    def change(self, entity: str, key: str, **values: object) -> None:
        """Change columns of the record of an inbox file whose first column is `key`."""
        first = ENTITY_BY_NAME[entity].columns[0].name
        (record,) = [row for row in self._inbox[entity] if row[first] == key]
        record.update(values)

    def usage(self, subscriber: Subscriber, started_at: str, **values: object) -> str:
        """Add a usage record of a subscriber and return its record id. Voice unless said."""
        self._records += 1
        record_id = f"R{self._records:06d}"
        record: dict[str, object] = {
            "record_id": record_id,
            "service": "voice",
            "direction": "outgoing",
            "identifier": subscriber.msisdn,
            "started_at": started_at,
            "duration_seconds": 0,
            "volume_bytes": 0,
            "serving_network": "26299",
            **values,
        }
        if record["service"] not in ("data", "content"):
            record.setdefault("other_number", "4930123456")
        self.inbox("usage", **record)
        return record_id

    def bill(self, subscriber: Subscriber, bill_date: date = BILL_DATE) -> None:
        """Say on which date the subscriber's account is billed: once for each account."""
        due = self._due.setdefault((subscriber.cycle_id, bill_date), [])
        if subscriber.account_id not in due:
            due.append(subscriber.account_id)

    def mark(self) -> dict[tuple[str, str], int]:
        """Return how many rows there are, for `forget_since`."""
        return {
            (kind, name): len(rows)
            for kind, tables in (("seed", self._seeds), ("inbox", self._inbox))
            for name, rows in tables.items()
        }

    def forget_since(self, mark: Mapping[tuple[str, str], int]) -> None:
        """Take back what a case added that could not be planned; shared rows stay known."""
        for kind, tables in (("seed", self._seeds), ("inbox", self._inbox)):
            for name, rows in tables.items():
                kept = rows[: mark.get((kind, name), 0)]
                shared = [row for row in rows[len(kept) :] if id(row) in self._shared]
                rows[:] = kept + shared
        known = {row["billing_account_id"] for row in self._inbox.get("billing_accounts", ())}
        for due in self._due.values():
            due[:] = [account for account in due if account in known]

    # Building and asking

    def build(self) -> list[NodeResult]:
        """Write, check, collect, open the passes and calculate; return what dbt did.

        Raises `AssertionError` when the tariff made of the cases breaks a rule.
        """
        self.write()
        ledger = open_ledger(self.settings.ledger_url)
        tables = [entity.landing_table for entity in frozen_entities(self.settings)]
        with writer_lock(self.settings):
            ensure_landing(self.settings, tables)
            collect_inbox(self.settings, datetime(2026, 11, 1, tzinfo=UTC).replace(tzinfo=None))
            watermark = max(row.landing_sequence for row in read_manifest(self.settings))
            opened: list[str] = []
            for (cycle_id, bill_date), accounts in sorted(self._due.items()):
                due = DueCycle(ENTITY, cycle_id, tuple(accounts))
                passes = open_off_cycle_passes(self.settings, ledger, bill_date, [due])
                opened.extend(one.pass_id for one in passes)
            with ledger.write() as connection:
                record_state(
                    connection,
                    self.settings,
                    sorted(set(opened)),
                    "collected",
                    landing_watermark=watermark,
                )
            export_for_dbt(self.settings, ledger)
            dbt = Dbt(Workspace.production(self.settings))
            results = dbt.build("resource_type:seed", "staging", "intermediate")
        ledger.engine.dispose()
        return results

    def build_again(self, *select: str) -> list[NodeResult]:
        """Compute a part of the built warehouse once more from the same inputs."""
        with writer_lock(self.settings):
            return Dbt(Workspace.production(self.settings)).build(*select, data_tests=False)

    def rejects(self) -> list[tuple[Any, ...]]:
        """Return the records that collecting rejected: a case must not lose one unseen."""
        return self.query("select reject_rule, raw_record from staging.stg_landing__rejects")

    def query(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Ask the built warehouse."""
        with open_warehouse(self.settings) as warehouse:
            return warehouse.execute(query, list(parameters)).fetchall()

    def _add_operator(self) -> None:
        """Add the house's first legal entity and policy, with time and money that are no matter."""
        for table, values in (
            ("legal_entities", {"currency_code": "EUR", "time_zone": "Etc/UTC"}),
            ("billing_policy", {"go_live_date": ALWAYS, "grace_days": 0}),
        ):
            with (PROJECT / "seeds" / "policy" / f"{table}.csv").open(encoding="utf-8") as file:
                first: dict[str, object] = dict(next(csv.DictReader(file)))
            self.seed(table, **{**first, "legal_entity_id": ENTITY, **values})
        self.charge_code("one_off", "one_off")
        self.charge_code("deposit", "one_off")
        self.seed("zones", zone_id="home", label_en="Home", label_de="Home")
        for role in ("called", "visited", "incoming", "visited_incoming"):
            self.seed("destination_zones", zone_role=role, country_code="*", zone_id="home")
        self.seed(
            "time_bands",
            time_band_set_id="whole_day",
            time_band_id="any",
        )

    def write(self) -> None:
        """Write the project with its seeds, and the inbox.

        Raises `AssertionError` when the tariff made of the cases breaks a rule.
        """
        shutil.copytree(
            PROJECT / "dbt_project",
            self.settings.dbt_project,
            ignore=shutil.ignore_patterns("target", "logs"),
        )
        shutil.copytree(PROJECT / "seeds", self.settings.seeds)
        for path in self.settings.seeds.rglob("*.csv"):
            table = path.stem
            if path.parent.name == "reference" and table not in self._seeds:
                continue
            if table == "review_rules":
                continue
            rows = self._seeds.get(table, [])
            if table in ADDED_TO:
                with path.open(encoding="utf-8", newline="") as file:
                    rows = [*csv.DictReader(file), *rows]
            _write_csv(path, self._columns[table], rows)
        problems = check_seeds(self.settings.seeds)
        assert not problems, "\n".join(str(problem) for problem in problems[:20])
        self.deliver("1.csv")

    def deliver(self, file_name: str) -> None:
        """Write the records that were added since the last delivery into files of the inbox."""
        for entity, rows in self._inbox.items():
            written = self._delivered.get(entity, 0)
            if written == len(rows):
                continue
            folder = self.settings.inbox / entity
            folder.mkdir(parents=True, exist_ok=True)
            header = {column.name: "" for column in ENTITY_BY_NAME[entity].columns}
            _write_csv(folder / file_name, header, rows[written:])
            self._delivered[entity] = len(rows)


def _read_columns() -> dict[str, dict[str, str]]:
    """Return each seed's columns and types as its property file declares them."""
    found: dict[str, dict[str, str]] = {}
    for path in (PROJECT / "seeds").rglob("_*.yml"):
        for seed in yaml.safe_load(path.read_text(encoding="utf-8"))["seeds"]:
            found[seed["name"]] = seed["config"]["column_types"]
    return found


def _write_csv(path: Path, columns: Mapping[str, str], rows: list[dict[str, object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for row in rows:
            writer.writerow([_text(row.get(column)) for column in columns])


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
