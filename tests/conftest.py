"""Shared by all tests: homes that leave nothing behind, and a ledger on either engine."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestration.ledger.store import Ledger, open_ledger
from orchestration.settings import Settings


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let `tests/vectors` try the vectors of any folder."""
    parser.addoption("--vectors", metavar="DIR", help="try the *.jsonl of this folder")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A house of its own."""
    return Settings(home=tmp_path / "home", project_root=Path(__file__).parents[1])


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty ledger, on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'home' / 'ledger.sqlite'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    """An empty open ledger."""
    opened = open_ledger(ledger_url)
    yield opened
    opened.engine.dispose()


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """The URL of an empty PostgreSQL database."""
    from sqlalchemy import create_engine, make_url, text

    name = f"tollhouse_{secrets.token_hex(6)}"
    server = create_engine(postgres_server, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"create database {name}"))
    yield make_url(postgres_server).set(database=name).render_as_string(hide_password=False)
    with server.connect() as connection:
        connection.execute(text(f"drop database {name} with (force)"))
    server.dispose()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A PostgreSQL server: TOLLHOUSE_TEST_POSTGRES_URL, else one started for the tests."""
    given = os.environ.get("TOLLHOUSE_TEST_POSTGRES_URL")
    if given:
        yield given
        return
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    if not programs:
        _skip("no PostgreSQL here (set TOLLHOUSE_TEST_POSTGRES_URL or install postgresql)")
    with _Started(programs[-1].parent) as url:
        yield url


class _Started:
    """A server of our own on a socket in a temporary folder; it refuses to run as root."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        self._folder = Path(tempfile.mkdtemp(prefix="tollhouse-pg-", dir="/tmp"))
        self._runner: list[str] = []
        if os.geteuid() == 0:
            self._runner = ["runuser", "-u", "postgres", "--"]
            shutil.chown(self._folder, "postgres")

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._runner, str(self._programs / program), *arguments]
        done = subprocess.run(
            command, cwd=self._folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        if done.returncode:
            _skip(f"{program}: {done.stderr.strip()[-200:]}")

    def __enter__(self) -> str:
        data = str(self._folder / "data")
        self._run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8")
        # Without fsync: tests kill processes, never the power.
        options = f"-k {self._folder} -c listen_addresses='' -c fsync=off"
        log = str(self._folder / "log")
        self._run("pg_ctl", "-D", data, "-o", options, "-l", log, "-w", "start")
        return f"postgresql+psycopg://postgres@/postgres?host={self._folder}"

    def __exit__(self, *_: object) -> None:
        self._run("pg_ctl", "-D", str(self._folder / "data"), "-m", "immediate", "stop")
        shutil.rmtree(self._folder, ignore_errors=True)


def _skip(reason: str) -> None:
    pytest.skip(f"PostgreSQL NOT RUN: {reason}")


# Homes that several files share: made once, when these files run in one process.
SHARED_HOMES = ("stage", "sampled_home")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With `--dist loadgroup`, keep a file in one process, and all files of a shared home."""
    home_of: dict[Path, str] = {}
    for item in items:
        for name in SHARED_HOMES:
            if name in getattr(item, "fixturenames", ()):
                home_of[item.path] = name
    for item in items:
        group = home_of.get(item.path, item.nodeid.partition("::")[0])
        item.add_marker(pytest.mark.xdist_group(group))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say loudly what was not tested: every skip whose reason says NOT RUN, of all workers."""
    skipped = (report.longrepr for report in terminalreporter.stats.get("skipped", ()))
    reasons = {text[2].removeprefix("Skipped: ") for text in skipped if isinstance(text, tuple)}
    for reason in sorted(one for one in reasons if "NOT RUN" in one):
        terminalreporter.write_line(reason, red=True, bold=True)
    # What a test recorded as "vectors" came with its report, also from another worker.
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, text in getattr(report, "user_properties", ()):
                if name == "vectors" and getattr(report, "when", "") == "call":
                    terminalreporter.section("vectors")
                    terminalreporter.write_line(text)
