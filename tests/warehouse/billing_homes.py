"""Homes that are collected, billed and issued by the public functions, without Dagster."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path

from orchestration.collect.inbox import collect_inbox, ensure_landing, read_manifest
from orchestration.issue.freezing import IssueSummary, issue_passes
from orchestration.issue.frozen import frozen_entities
from orchestration.ledger.store import Ledger, open_ledger
from orchestration.lib.dbt import Dbt, NodeResult, Workspace, require_success
from orchestration.lib.lock import writer_lock
from orchestration.passes.opening import (
    open_main_passes,
    open_off_cycle_passes,
    open_supplementary_passes,
    read_closed_cycles,
    read_due_cycles,
    read_named_cycles,
    take_up,
)
from orchestration.passes.records import BillPass, read_passes, record_state
from orchestration.passes.scope import export_for_dbt
from orchestration.settings import Settings

PROJECT = Path(__file__).parents[2]
SUBSCRIBERS = 60
FIRST_BILL_DATE, SECOND_BILL_DATE = date(2026, 11, 1), date(2026, 12, 1)
RECEIVED_AT = datetime(2026, 11, 1, 2, 0, tzinfo=UTC)
BEFORE_PASSES = (
    "resource_type:seed",
    "+int_billing_accounts__current",
    "+int_bill_periods__aligned",
)


class Home:
    """One home and its open parts; what it does stops the test when dbt fails."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @cached_property
    def ledger(self) -> Ledger:
        return open_ledger(self.settings.ledger_url)

    @cached_property
    def dbt(self) -> Dbt:
        return Dbt(Workspace.production(self.settings))

    def collect(self, received_at: datetime = RECEIVED_AT) -> None:
        """Collect the inbox."""
        tables = [entity.landing_table for entity in frozen_entities(self.settings)]
        with writer_lock(self.settings):
            ensure_landing(self.settings, tables)
            collect_inbox(self.settings, received_at.replace(tzinfo=None))

    def build(self, *select: str) -> list[NodeResult]:
        """Export the ledger and build a part of the warehouse."""
        with writer_lock(self.settings):
            export_for_dbt(self.settings, self.ledger)
            results = self.dbt.build(*select)
        require_success(results, f"dbt build {' '.join(select)}")
        return results

    def calculate(
        self, bill_date: date, kind: str = "main", accounts: Sequence[str] = ()
    ) -> list[BillPass]:
        """Open the passes of a bill date and compute them up to validation."""
        self.build(*BEFORE_PASSES)
        if kind == "main":
            due = read_due_cycles(self.settings, bill_date)
            opened = open_main_passes(self.settings, self.ledger, bill_date, due)
            if closed := read_closed_cycles(self.settings, self.ledger, bill_date):
                opened = open_off_cycle_passes(self.settings, self.ledger, bill_date, closed)
        elif kind == "off_cycle":
            named = read_named_cycles(self.settings, bill_date, accounts)
            opened = open_off_cycle_passes(self.settings, self.ledger, bill_date, named)
        else:
            opened = open_supplementary_passes(self.settings, self.ledger, bill_date)
        watermark = max(row.landing_sequence for row in read_manifest(self.settings))
        take_up(self.settings, self.ledger, opened, watermark)
        self.build("staging", "intermediate")
        for state in ("rated", "calculated", "validated"):
            self._record(opened, state)
        return opened

    def issue(self, bill_date: date) -> list[IssueSummary]:
        """Issue what is validated and build the marts."""
        with self.ledger.read() as connection:
            validated = read_passes(connection, bill_date)
        with writer_lock(self.settings):
            issued = issue_passes(self.settings, self.ledger, validated)
        self.build("marts", "test_type:singular")
        return issued

    def copy(self, folder: Path, *, with_warehouse: bool = True) -> Home:
        """Return a copy of the home in another folder, to be changed or broken."""
        left_out = ["target", "logs", "writer.lock*", "scratch"]
        if not with_warehouse:
            left_out.append("warehouse.duckdb*")
        shutil.copytree(
            self.settings.home, folder, symlinks=True, ignore=shutil.ignore_patterns(*left_out)
        )
        return Home(replace(self.settings, home=folder))

    def close(self) -> None:
        """Let go of the ledger: its log is written back, so that a copy is whole."""
        self.ledger.engine.dispose()

    def _record(self, passes: Sequence[BillPass], state: str) -> None:
        with self.ledger.write() as connection:
            record_state(connection, self.settings, [one.pass_id for one in passes], state)
