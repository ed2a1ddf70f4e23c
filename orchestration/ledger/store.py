"""Open the ledger and write to it: one transaction per `write()`, writers in a queue."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    Table,
    create_engine,
    event,
    insert,
    inspect,
    make_url,
    text,
)
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError, OperationalError

from orchestration.ledger.errors import LedgerError, LedgerLockedError
from orchestration.ledger.migrations import HEAD
from orchestration.lib.lock import LockedError, file_lock

WAIT_SECONDS = 30.0

# Any constant will do, as long as every Tollhouse asks for the same one.
_WRITER_KEY = 7_011_968_001
_WRITE = "tollhouse_ledger_write"
_OWN_COLUMNS = frozenset({"sequence", "recorded_at", "actor"})


@dataclass(frozen=True)
class Ledger:
    """An open ledger whose tables exist. Open it anew in every process: never across a fork."""

    engine: Engine
    wait_seconds: float = WAIT_SECONDS

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Run one write transaction: committed when the block ends, rolled back when it raises.

        Writers queue from the first statement on, so what is read inside stays true until commit,
        and sequences are committed in their order. Raises `LedgerLockedError` after `wait_seconds`.
        """
        with _one_line_errors(self.engine.url), self.engine.connect() as plain:
            connection = plain.execution_options(**{_WRITE: True})
            with connection.begin():
                self._queue(connection)
                yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Read one state of the ledger: what is committed meanwhile does not show."""
        with _one_line_errors(self.engine.url), self.engine.connect() as plain:
            connection = plain
            if self.engine.dialect.name == "postgresql":
                connection = plain.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            with connection.begin():
                yield connection

    @contextmanager
    def exclusive(self, name: str) -> Iterator[None]:
        """Be the only one who does `name` on this ledger, or raise `LedgerLockedError`."""
        if self.engine.dialect.name == "postgresql":
            with self._exclusive_postgresql(name):
                yield
        elif self.engine.url.database in (None, "", ":memory:"):
            yield
        else:
            path = Path(str(self.engine.url.database))
            try:
                with file_lock(path.with_name(f"{path.name}.{name}.lock")):
                    yield
            except LockedError as error:
                raise LedgerLockedError(str(error)) from error

    @contextmanager
    def _exclusive_postgresql(self, name: str) -> Iterator[None]:
        # A connection of its own, without a transaction, so that nothing is kept open for hours.
        with self.engine.connect() as plain:
            connection = plain.execution_options(isolation_level="AUTOCOMMIT")
            key = {"key": f"tollhouse.{name}"}
            if not connection.scalar(text("select pg_try_advisory_lock(hashtext(:key))"), key):
                raise LedgerLockedError(
                    f"another process does {name} on this ledger; try again later"
                )
            try:
                yield
            finally:
                connection.execute(text("select pg_advisory_unlock(hashtext(:key))"), key)

    def _queue(self, connection: Connection) -> None:
        """Make PostgreSQL writers queue as SQLite's do.

        Without it two transactions could commit in the other order than their sequences, and an
        export that stood between them would never see the smaller one.
        """
        if self.engine.dialect.name == "postgresql":
            milliseconds = int(self.wait_seconds * 1000)
            connection.execute(text(f"set local lock_timeout = {milliseconds}"))
            connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _WRITER_KEY})


def open_ledger(url: str, wait_seconds: float = WAIT_SECONDS) -> Ledger:
    """Open the ledger at an SQLAlchemy URL (SQLite or PostgreSQL), make it if it is not there.

    Brings an older shape up to date, in one transaction; takes milliseconds when there is nothing
    to do. Raises `LedgerError` with one line, which never shows a password.
    """
    address = _address(url)
    if address.get_backend_name() == "sqlite" and address.database not in (None, "", ":memory:"):
        Path(str(address.database)).parent.mkdir(parents=True, exist_ok=True)
    ledger = Ledger(_engine(address, wait_seconds), wait_seconds)
    _bring_up_to_date(ledger)
    return ledger


def append_row(connection: Connection, table: Table, **values: Any) -> int:
    """Append one row and return its sequence; who and when are filled in, never passed."""
    _check_append(connection, values)
    key = connection.execute(insert(table).values(**values)).inserted_primary_key
    assert key is not None, "every ledger table has a sequence"  # noqa: S101
    return int(key[0])


def append_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Append many rows in the order given, in one go. All have the same columns."""
    if rows:
        _check_append(connection, rows[0])
        connection.execute(insert(table), [dict(row) for row in rows])


def require_write(connection: Connection) -> None:
    """Refuse a connection that does not come from `Ledger.write`: its reads would not hold."""
    if not connection.get_execution_options().get(_WRITE):
        raise LedgerError("the ledger is written inside Ledger.write() only")


def _check_append(connection: Connection, values: Mapping[str, Any]) -> None:
    require_write(connection)
    if typed := _OWN_COLUMNS & set(values):
        raise LedgerError(f"the ledger itself fills in {', '.join(sorted(typed))}")


def _address(url: str) -> URL:
    try:
        address = make_url(url)
    except ArgumentError as error:
        raise LedgerError(
            "the ledger's URL cannot be read; expected sqlite:/// or postgresql://"
        ) from error
    if address.drivername in ("postgresql", "postgres"):
        address = address.set(drivername="postgresql+psycopg")
    if address.get_backend_name() not in ("sqlite", "postgresql"):
        raise LedgerError(f"the ledger lies in SQLite or PostgreSQL, not {address.drivername}")
    return address


def _engine(address: URL, wait_seconds: float) -> Engine:
    try:
        if address.get_backend_name() == "postgresql":
            return create_engine(address, pool_pre_ping=True)
        engine = create_engine(address, connect_args={"timeout": wait_seconds})
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        raise LedgerError("a PostgreSQL ledger needs the extra: tollhouse[postgres]") from error
    _prepare_sqlite(engine, wait_seconds)
    return engine


def _prepare_sqlite(engine: Engine, wait_seconds: float) -> None:
    """Take the transactions away from the driver, which opens them late and commits before DDL.

    SQLAlchemy's documented recipe: the driver in autocommit, our own `begin`. A write begins
    `immediate`: a deferred one that reads first and writes later fails at once when another writer
    was quicker, without waiting.
    """

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in ("synchronous = full", "foreign_keys = on", "recursive_triggers = on"):
            # recursive_triggers: `insert or replace` counts as the delete that it is.
            connection.execute(f"pragma {pragma}")
        _use_wal(connection, wait_seconds)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITE)
        connection.exec_driver_sql("begin immediate" if writes else "begin deferred")


def _use_wal(connection: Any, wait_seconds: float) -> None:
    """Switch to write-ahead logging once; SQLite does not queue for this switch, so we do."""
    deadline = time.monotonic() + wait_seconds
    while connection.execute("pragma journal_mode").fetchone()[0] not in ("wal", "memory"):
        try:
            connection.execute("pragma journal_mode = wal").fetchone()
        except connection.OperationalError as error:
            if not _is_locked(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _bring_up_to_date(ledger: Ledger) -> None:
    """Apply what is missing; two processes may try at once, the second finds it done."""
    with ledger.read() as connection:
        if _revision(connection) == HEAD:
            return
    with ledger.write() as connection:
        if _revision(connection) != HEAD:
            _migrate(connection)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision = connection.scalar(text("select version_num from alembic_version"))
    return None if revision is None else str(revision)


def _migrate(connection: Connection) -> None:
    # Imported here: Alembic is slow to load and almost never needed.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config(attributes={"connection": connection})
    folder = str(Path(__file__).with_name("migrations"))
    config.set_main_option("script_location", folder.replace("%", "%%"))
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise LedgerError(
            f"the ledger is at revision {_revision(connection)}, which this Tollhouse does not "
            "know; it was written by a newer one"
        ) from error


@contextmanager
def _one_line_errors(address: URL) -> Iterator[None]:
    """Turn what the engine says about files, locks and servers into one line for a person."""
    try:
        yield
    except DatabaseError as error:
        # Its subclasses (a broken constraint, bad SQL) are ours to see as they are.
        if type(error) not in (DatabaseError, OperationalError):
            raise
        is_file = address.get_backend_name() == "sqlite"
        place = address.database if is_file else address.render_as_string(hide_password=True)
        if _is_locked(error.orig):
            raise LedgerLockedError(
                f"{place} is locked by another writer; try again later"
            ) from error
        said = (str(error.orig).strip() or type(error.orig).__name__).splitlines()[0]
        raise LedgerError(f"{place}: {said}") from error


def _is_locked(error: BaseException | None) -> bool:
    name = str(getattr(error, "sqlite_errorname", ""))
    return name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")) or (
        getattr(error, "sqlstate", None) == "55P03"
    )
