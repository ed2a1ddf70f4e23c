"""A home that the whole job runs in: one path, one parsed project, many contents.

dbt renders the home's path into what it parses, and parsing takes seconds. So the tests share one
path, keep what lies there as named snapshots, and put back the one that they start from.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner

from orchestration.cli import main
from orchestration.lib.house import open_house
from orchestration.settings import Settings

PROJECT = Path(__file__).parents[2]
FIRST_BILL_DATE, SECOND_BILL_DATE = date(2026, 11, 1), date(2026, 12, 1)
KEPT_IN_PLACE = frozenset({"target", "logs", "dagster", "writer.lock"})
RENDERED = 2


@dataclass(frozen=True)
class Answer:
    """What a command printed, and its exit code."""

    exit_code: int
    output: str


@dataclass(frozen=True)
class Snapshot:
    """What a home held at one moment. Never changed; what the run before it printed goes along."""

    home: Path
    said: str = ""

    def query(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Return rows of the warehouse."""
        with duckdb.connect(str(self.home / "warehouse.duckdb"), read_only=True) as warehouse:
            return warehouse.execute(sql, list(parameters)).fetchall()

    def records(self, sql: str, *parameters: object) -> list[dict[str, Any]]:
        """Return rows of the warehouse by column name."""
        with duckdb.connect(str(self.home / "warehouse.duckdb"), read_only=True) as warehouse:
            found = warehouse.execute(sql, list(parameters))
            names = [column[0] for column in found.description or ()]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def numbers(self) -> dict[str, str]:
        """Return the account by invoice number, from the ledger."""
        return {number: account for number, account, *_ in self.documents()}

    def documents(self) -> list[tuple[Any, ...]]:
        """Return number, account, id and total of every document, from the ledger.

        Not from the warehouse: a snapshot's staging views read what lies in the home now.
        """
        with closing(sqlite3.connect(self.home / "ledger.sqlite")) as ledger:
            return ledger.execute(
                "select document_number, billing_account_id, document_id, total_amount"
                " from documents order by sequence"
            ).fetchall()

    def issued_totals(self) -> list[tuple[Any, ...]]:
        """Return what every issued invoice is: number, account, amounts, dates."""
        return self.query(
            "select invoice_number, billing_account_id, net_amount, tax_amount, total_amount,"
            " issue_date, due_date from marts.fct_invoices where billing_status = 'issued'"
            " order by invoice_number"
        )

    def mart_hashes(self) -> dict[str, str]:
        """Return one hash per mart, over its rows in any order."""
        with duckdb.connect(str(self.home / "warehouse.duckdb"), read_only=True) as warehouse:
            tables = warehouse.execute(
                "select table_name from duckdb_tables() where schema_name = 'marts' order by 1"
            ).fetchall()
            hashes = {}
            for (table,) in tables:
                found = warehouse.execute(
                    "select md5(string_agg(row_text, chr(10) order by row_text)) from"
                    f" (select cast(mart as varchar) as row_text from marts.{table} as mart)"
                ).fetchone()
                hashes[table] = str(found and found[0])
        return hashes

    def mails(self) -> list[str]:
        """Return the names of the messages that arrived."""
        return sorted(path.name for path in (self.home / "outbox" / "mail").glob("*.eml"))


class Stage:
    """The one home. What runs on it runs as the `tollhouse` command would, in this process."""

    def __init__(self, folder: Path, smtp: tuple[str, int], project: Path = PROJECT) -> None:
        self.home = folder / "home"
        self.project = project
        self._snapshots = folder / "snapshots"
        self._smtp = smtp

    @contextmanager
    def environment(self) -> Iterator[None]:
        """Everything that is read from the environment, as the command finds it."""
        with pytest.MonkeyPatch.context() as patch:
            for name in [name for name in os.environ if name.startswith("TOLLHOUSE_")]:
                patch.delenv(name)
            patch.setenv("TOLLHOUSE_HOME", str(self.home))
            patch.setenv("TOLLHOUSE_PROJECT", str(self.project))
            patch.setenv("TOLLHOUSE_SMTP_HOST", self._smtp[0])
            patch.setenv("TOLLHOUSE_SMTP_PORT", str(self._smtp[1]))
            patch.setenv("DAGSTER_HOME", str(self.home / "dagster"))
            yield

    @property
    def settings(self) -> Settings:
        """The settings of this home."""
        with self.environment():
            return Settings.from_environment()

    def command(self, *arguments: str) -> Answer:
        """Call `tollhouse`; what is not meant for a person to read is an error of the test."""
        with self.environment():
            result = CliRunner().invoke(main, list(arguments))
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert "Traceback" not in result.output
        return Answer(result.exit_code, result.output)

    def run(self, bill_date: date, *options: str) -> Answer:
        """Run a bill date; stops the test when it does not succeed."""
        answer = self.command(
            "run", "--bill-date", bill_date.isoformat(), "--render", str(RENDERED), *options
        )
        assert answer.exit_code == 0, answer.output
        return answer

    def keep(self, name: str, said: str = "") -> Snapshot:
        """Keep what lies in the home under a name."""
        self._let_go()
        target = self._snapshots / name
        shutil.copytree(
            self.home, target, symlinks=True, ignore=shutil.ignore_patterns(*KEPT_IN_PLACE)
        )
        return Snapshot(target, said)

    def restore(self, snapshot: Snapshot | None) -> None:
        """Put a snapshot back, or nothing at all."""
        self._let_go()
        self.home.mkdir(parents=True, exist_ok=True)
        for path in self.home.iterdir():
            if path.name in KEPT_IN_PLACE:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        if snapshot is not None:
            shutil.copytree(snapshot.home, self.home, symlinks=True, dirs_exist_ok=True)
        (self.home / "outbox" / "mail").mkdir(parents=True, exist_ok=True)

    def _let_go(self) -> None:
        """Close the ledger, so that its file is whole when it is copied or replaced."""
        with self.environment():
            house = open_house()
        if "ledger" in vars(house):
            house.ledger.engine.dispose()
            del vars(house)["ledger"]
