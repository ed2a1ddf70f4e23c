"""The house as a process sees it: its settings, ledger and dbt project, opened once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from orchestration.ledger.store import Ledger, open_ledger
from orchestration.lib.dbt import Dbt, Workspace
from orchestration.settings import Settings


@dataclass(frozen=True)
class House:
    """Settings, ledger and dbt of one home. The two last are opened when first asked for."""

    settings: Settings

    @cached_property
    def ledger(self) -> Ledger:
        self.settings.home.mkdir(parents=True, exist_ok=True)
        return open_ledger(self.settings.ledger_url)

    @cached_property
    def dbt(self) -> Dbt:
        return Dbt(Workspace.production(self.settings))


@cache
def _open(home: Path, settings: Settings) -> House:
    return House(settings)


def open_house() -> House:
    """Return the house of the present environment, the same one for the same settings."""
    settings = Settings.from_environment()
    return _open(settings.home, settings)
