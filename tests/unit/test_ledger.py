"""The ledger keeps what it is given, refuses to change it, and says so in one line."""

from __future__ import annotations

import multiprocessing
import sqlite3
import time
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import delete, func, insert, inspect, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError

import orchestration.ledger
from orchestration.ledger.actor import current_actor
from orchestration.ledger.errors import LedgerError, LedgerLockedError
from orchestration.ledger.migrations import HEAD
from orchestration.ledger.schema import LEDGER_TABLES, documents, metadata, run_closures
from orchestration.ledger.store import Ledger, append_row, append_rows, open_ledger

EXAMPLES: dict[str, dict[str, Any]] = {
    "bill_runs": {
        "bill_run_id": "r1",
        "legal_entity_id": "e",
        "bill_cycle_id": "c",
        "bill_date": date(2026, 11, 1),
    },
    "passes": {
        "pass_id": "p1",
        "bill_run_id": "r1",
        "pass_kind": "main",
        "pass_number": 1,
        "issue_date": date(2026, 11, 1),
    },
    "pass_transitions": {"pass_id": "p1", "state": "opened", "landing_watermark": 2**40},
    "pass_accounts": {"pass_id": "p1", "billing_account_id": "a"},
    "frozen_files": {
        "issue_id": "i",
        "pass_id": "p1",
        "entity": "lines",
        "path": "x",
        "sha256": "0",
        "row_count": 1,
    },
    "documents": {
        "document_id": "d1",
        "document_type": "invoice",
        "legal_entity_id": "e",
        "series": "R",
        "year": 2026,
        "number": 1,
        "document_number": "NW-R-2026-000001",
        "pass_id": "p1",
        "billing_account_id": "a",
        "issue_date": date(2026, 11, 1),
        "currency_code": "EUR",
        "total_amount": Decimal("12345678901234.5678"),
    },
    "rendered_documents": {
        "document_id": "d1",
        "media_type": "application/pdf",
        "sha256": "0",
        "path": "ab/x.pdf",
        "size_bytes": 1,
    },
    "review_decisions": {
        "pass_id": "p1",
        "billing_account_id": "a",
        "decision": "hold",
        "reason": "spike",
    },
    "delivery_attempts": {
        "idempotency_key": "n:email",
        "document_id": "d1",
        "channel": "email",
        "recipient": "a@example.org",
        "attempt_number": 1,
        "message_id": "<m>",
        "payload_sha256": "0",
    },
    "delivery_outcomes": {
        "attempt_sequence": 1,
        "state": "accepted",
        "code": "250",
        "reason": "ok",
    },
    "run_closures": {"bill_run_id": "r1", "reason": "done"},
    "gap_acceptances": {
        "bill_run_id": "r1",
        "finding_id": "missing_file/usage_msc01/msc01/2026-10-12 00:00",
        "subject": "usage_msc01_20261012_000012.csv",
        "reason": "lost for good",
    },
    "rerating_orders": {
        "order_id": "R1",
        "usage_from": date(2026, 10, 1),
        "usage_to": date(2026, 11, 1),
        "billing_account_id": "a1",
        "plan_id": None,
        "zone_id": "far",
        "issued_sequence": 7,
        "reason": "the price was wrong",
    },
}


@pytest.fixture
def full_ledger(ledger: Ledger) -> Ledger:
    with ledger.write() as connection:
        for table in LEDGER_TABLES:
            append_row(connection, table, **EXAMPLES[table.name])
    return ledger


def count(ledger: Ledger, table: Any = run_closures) -> int:
    with ledger.read() as connection:
        return int(connection.scalar(select(func.count()).select_from(table)) or 0)


def close_run(ledger: Ledger, reason: str = "done") -> int:
    with ledger.write() as connection:
        return append_row(connection, run_closures, bill_run_id="r", reason=reason)


def test_every_table_gives_back_what_it_was_given(full_ledger: Ledger) -> None:
    with full_ledger.read() as connection:
        for table in LEDGER_TABLES:
            row = connection.execute(select(table)).one()._mapping
            expected = EXAMPLES[table.name]
            assert {name: row[name] for name in expected} == expected
            assert row["sequence"] == 1
            assert row["actor"] == current_actor()
            assert abs((datetime.now(UTC) - row["recorded_at"]).total_seconds()) < 60


@pytest.mark.parametrize("table", LEDGER_TABLES, ids=lambda table: table.name)
def test_no_row_is_changed_or_deleted(full_ledger: Ledger, table: Any) -> None:
    for statement in (
        update(table).values(actor="someone else"),
        delete(table),
        delete(table).where(table.c.sequence == 99),
    ):
        refused = pytest.raises(DBAPIError, match="append-only")
        on_rows = "99" not in str(statement.compile(compile_kwargs={"literal_binds": True}))
        if on_rows or full_ledger.engine.dialect.name == "postgresql":
            with refused, full_ledger.write() as connection:
                connection.execute(statement)
    assert count(full_ledger, table) == 1


def test_no_table_is_emptied_behind_the_triggers(full_ledger: Ledger) -> None:
    with full_ledger.engine.connect() as connection:
        if full_ledger.engine.dialect.name == "sqlite":
            statement = insert(run_closures).prefix_with("or replace")
            values = {"sequence": 1, "bill_run_id": "r1", "reason": "rewritten"}
            with pytest.raises(IntegrityError, match="append-only"):
                connection.execute(statement, values)
        else:
            with pytest.raises(DBAPIError, match="append-only"):
                connection.execute(text("truncate table run_closures"))


def test_the_migrations_make_exactly_the_declared_tables(ledger: Ledger) -> None:
    with ledger.read() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "target_metadata": metadata}
        )
        assert compare_metadata(context, metadata) == []
        inspector = inspect(connection)
        for table in LEDGER_TABLES:
            declared = {str(item.name) for item in table.constraints if str(item.name)[:2] == "ck"}
            made = {str(item["name"]) for item in inspector.get_check_constraints(table.name)}
            assert made == declared
    assert {table.name for table in LEDGER_TABLES} == set(metadata.tables)


def test_the_head_that_open_compares_with_is_the_last_migration() -> None:
    config = Config()
    folder = Path(orchestration.ledger.__file__).with_name("migrations")
    config.set_main_option("script_location", str(folder))
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_opening_again_keeps_the_rows_and_is_quick(ledger: Ledger, ledger_url: str) -> None:
    close_run(ledger)
    started = time.perf_counter()
    again = open_ledger(ledger_url)
    assert time.perf_counter() - started < 0.5
    assert count(again) == 1
    again.engine.dispose()


def test_a_failed_block_leaves_nothing(ledger: Ledger) -> None:
    with pytest.raises(RuntimeError, match="stop"), ledger.write() as connection:
        append_row(connection, run_closures, bill_run_id="r", reason="x")
        raise RuntimeError("stop")
    assert count(ledger) == 0
    assert close_run(ledger) >= 1


def test_a_reader_sees_one_state(ledger: Ledger) -> None:
    close_run(ledger)
    query = select(func.count()).select_from(run_closures)
    with ledger.read() as connection:
        assert connection.scalar(query) == 1
        close_run(ledger)
        assert connection.scalar(query) == 1
    assert count(ledger) == 2


def test_who_and_when_cannot_be_passed(ledger: Ledger) -> None:
    for typed in ({"actor": "the boss"}, {"recorded_at": datetime.now(UTC)}, {"sequence": 7}):
        with pytest.raises(LedgerError, match="the ledger itself"), ledger.write() as connection:
            append_row(connection, run_closures, bill_run_id="r", reason="x", **typed)


def test_the_actor_does_not_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    current_actor.cache_clear()
    for name in ("USER", "LOGNAME", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "the-boss")
    assert current_actor() != "the-boss"


def test_rows_are_written_in_write_only(ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match=r"Ledger\.write"), ledger.read() as connection:
        append_row(connection, run_closures, bill_run_id="r", reason="x")


def test_many_rows_keep_their_order(ledger: Ledger) -> None:
    with ledger.write() as connection:
        rows = [{"bill_run_id": f"r{number}", "reason": "x"} for number in range(2500)]
        append_rows(connection, run_closures, rows)
        append_rows(connection, run_closures, [])
    with ledger.read() as connection:
        ids = connection.scalars(
            select(run_closures.c.bill_run_id).order_by(run_closures.c.sequence)
        ).all()
    assert ids == [f"r{number}" for number in range(2500)]


@pytest.mark.parametrize(
    "amount", [1.5, True, "1.50", Decimal("0.00001"), Decimal("1e14"), Decimal("nan")]
)
def test_an_amount_that_is_not_exact_is_refused(ledger: Ledger, amount: object) -> None:
    values = EXAMPLES["documents"] | {"total_amount": amount}
    with (
        pytest.raises((StatementError, TypeError, ValueError)),
        ledger.write() as connection,
    ):
        append_row(connection, documents, **values)


def test_an_instant_without_zone_is_refused(ledger: Ledger) -> None:
    query = select(run_closures).where(run_closures.c.recorded_at == datetime(2026, 1, 1))  # noqa: DTZ001
    with pytest.raises(StatementError), ledger.read() as connection:
        connection.execute(query)


def test_a_word_outside_the_list_is_refused(ledger: Ledger) -> None:
    with pytest.raises(IntegrityError), ledger.write() as connection:
        append_row(
            connection,
            metadata.tables["review_decisions"],
            **EXAMPLES["review_decisions"] | {"decision": "forget"},
        )


def test_a_locked_ledger_is_one_line(ledger_url: str) -> None:
    first, second = open_ledger(ledger_url), open_ledger(ledger_url, wait_seconds=0.2)
    with first.write() as connection:
        append_row(connection, run_closures, bill_run_id="r", reason="x")
        with pytest.raises(LedgerLockedError) as refused:
            close_run(second)
    assert "locked by another writer" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert close_run(second) >= 1
    first.engine.dispose()
    second.engine.dispose()


def test_only_one_does_a_named_thing(ledger_url: str) -> None:
    context = multiprocessing.get_context("spawn")
    ledger = open_ledger(ledger_url)
    with context.Pool(1) as pool:
        with ledger.exclusive("dispatch"), ledger.exclusive("other"):
            assert pool.apply(_try_exclusive, (ledger_url, "dispatch")) == "LedgerLockedError"
        assert pool.apply(_try_exclusive, (ledger_url, "dispatch")) == "free"
    ledger.engine.dispose()


def _try_exclusive(url: str, name: str) -> str:
    ledger = open_ledger(url)
    try:
        with ledger.exclusive(name):
            return "free"
    except LedgerError as error:
        return type(error).__name__
    finally:
        ledger.engine.dispose()


def test_many_processes_may_make_the_ledger_at_once(ledger_url: str) -> None:
    context = multiprocessing.get_context("spawn")
    with context.Pool(4) as pool:
        pool.map(_open_and_write, [ledger_url] * 8)
    ledger = open_ledger(ledger_url)
    assert count(ledger) == 8
    ledger.engine.dispose()


def _open_and_write(url: str) -> None:
    ledger = open_ledger(url)
    close_run(ledger)
    ledger.engine.dispose()


def test_a_ledger_of_a_newer_tollhouse_is_left_alone(ledger: Ledger, ledger_url: str) -> None:
    with ledger.write() as connection:
        connection.execute(text("update alembic_version set version_num = '9999'"))
    with pytest.raises(LedgerError, match=r"9999.*newer"):
        open_ledger(ledger_url)


def test_sqlite_is_set_up_to_survive(tmp_path: Path) -> None:
    ledger = open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    with ledger.read() as connection:
        pragmas = ("journal_mode", "synchronous", "foreign_keys", "recursive_triggers")
        found = [connection.exec_driver_sql(f"pragma {name}").scalar() for name in pragmas]
        kept = connection.exec_driver_sql("select typeof(total_amount) from documents").all()
    assert found == ["wal", 2, 1, 1]
    assert kept == []


def test_sqlite_keeps_money_as_text(tmp_path: Path) -> None:
    ledger = open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    with ledger.write() as connection:
        append_row(connection, documents, **EXAMPLES["documents"] | {"total_amount": Decimal(-3)})
    raw = sqlite3.connect(tmp_path / "ledger.sqlite")
    assert raw.execute("select total_amount, typeof(total_amount) from documents").fetchall() == [
        ("-3.0000", "text")
    ]
    raw.close()


def test_what_is_not_a_ledger_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("not a database, but long enough to be read as one " * 40)
    with pytest.raises(LedgerError, match="not a database") as refused:
        open_ledger(f"sqlite:///{tmp_path / 'note.txt'}")
    assert "\n" not in str(refused.value)
    (tmp_path / "folder").mkdir()
    with pytest.raises(LedgerError, match="unable to open"):
        open_ledger(f"sqlite:///{tmp_path / 'folder'}")
    for url in ("mysql://host/ledger", "nonsense", "oracle+x://"):
        with pytest.raises(LedgerError):
            open_ledger(url)


def test_a_server_that_does_not_answer_is_one_line_without_the_password() -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(LedgerError) as refused:
        open_ledger("postgresql://billing:s3cret@127.0.0.1:1/ledger")
    assert "s3cret" not in str(refused.value)
    assert "\n" not in str(refused.value)
