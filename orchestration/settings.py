"""Where everything lies and how the house is set up, from environment variables only."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from sqlalchemy import URL

from orchestration.lib.errors import TollhouseError


def find_project_root() -> Path:
    """Return the folder that holds `dbt_project/` and `seeds/`.

    Order: `TOLLHOUSE_PROJECT`, the working folder and its parents, the clone this file lies in,
    the copy inside the installed wheel. Raises `FileNotFoundError` when none holds them.
    """
    override = os.environ.get("TOLLHOUSE_PROJECT")
    here = Path.cwd()
    packaged = Path(str(files("orchestration"))) / "_project"
    found = [here, *here.parents, Path(__file__).parents[1], packaged]
    for candidate in [Path(override)] if override else found:
        if (candidate / "dbt_project" / "dbt_project.yml").is_file():
            return candidate.resolve()
    raise FileNotFoundError(
        "no dbt_project/ found: set TOLLHOUSE_PROJECT to the folder that holds it and seeds/"
    )


def _default_home() -> Path:
    return Path(os.environ.get("TOLLHOUSE_HOME") or find_project_root() / "var").resolve()


@dataclass(frozen=True)
class Smtp:
    """The mail server that invoices leave by. The password never appears in `repr`."""

    host: str = ""
    port: int = 25
    user: str = ""
    password: str = field(default="", repr=False)
    use_starttls: bool = False
    sender: str = "billing@example.invalid"


# What builds the warehouse: this process, or Apache Spark (docs/spark.md).
ENGINES = ("duckdb", "spark")


@dataclass(frozen=True)
class Settings:
    """All run-time state lies under `home`; all rules lie under `project_root`."""

    home: Path = field(default_factory=_default_home)
    project_root: Path = field(default_factory=find_project_root)
    exports_override: Path | None = None
    ledger_url_override: str = field(default="", repr=False)
    smtp: Smtp = field(default_factory=Smtp)
    engine: str = "duckdb"

    @classmethod
    def from_environment(cls) -> Settings:
        """Read every `TOLLHOUSE_*` variable once."""
        read = os.environ.get
        engine = read("TOLLHOUSE_ENGINE") or "duckdb"
        if engine not in ENGINES:
            raise TollhouseError(f"TOLLHOUSE_ENGINE is {engine!r}: choose one of {ENGINES}")
        return cls(
            engine=engine,
            ledger_url_override=read("TOLLHOUSE_LEDGER_URL", ""),
            smtp=Smtp(
                host=read("TOLLHOUSE_SMTP_HOST", ""),
                port=int(read("TOLLHOUSE_SMTP_PORT", "25")),
                user=read("TOLLHOUSE_SMTP_USER", ""),
                password=read("TOLLHOUSE_SMTP_PASSWORD", ""),
                use_starttls=read("TOLLHOUSE_SMTP_STARTTLS", "") == "1",
                sender=read("TOLLHOUSE_SMTP_SENDER", "billing@example.invalid"),
            ),
        )

    @property
    def inbox(self) -> Path:
        return self.home / "inbox"

    @property
    def landing(self) -> Path:
        return self.home / "landing"

    @property
    def exports(self) -> Path:
        return self.exports_override or self.home / "exports"

    @property
    def ledger_url(self) -> str:
        database = str(self.home / "ledger.sqlite")
        return self.ledger_url_override or str(URL.create("sqlite", database=database))

    @property
    def warehouse(self) -> Path:
        """The file that is read by all that reads the warehouse, whichever engine built it."""
        folder = self.spark if self.engine == "spark" else self.home
        return folder / "warehouse.duckdb"

    @property
    def spark(self) -> Path:
        return self.home / "spark"

    @property
    def documents(self) -> Path:
        return self.home / "documents"

    @property
    def published(self) -> Path:
        return self.home / "published"

    @property
    def outbox(self) -> Path:
        return self.home / "outbox"

    @property
    def reports(self) -> Path:
        return self.home / "reports"

    @property
    def dbt_project(self) -> Path:
        return self.project_root / "dbt_project"

    @property
    def seeds(self) -> Path:
        return self.project_root / "seeds"
