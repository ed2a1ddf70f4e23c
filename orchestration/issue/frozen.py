"""What is frozen at issue: its schema, read from the dbt source that reads it back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from orchestration.collect.entities import LandingTable
from orchestration.settings import Settings

SOURCES = Path("models/staging/issued/_issued__sources.yml")


@dataclass(frozen=True)
class FrozenEntity:
    """One kind of frozen row: its model, which of its rows, and its columns as (name, type)."""

    name: str
    frozen_from: str
    rows: str
    columns: tuple[tuple[str, str], ...]

    @property
    def landing_table(self) -> LandingTable:
        return LandingTable(f"issued_{self.name}", self.columns, partition="issue_id")


@cache
def _read(sources: Path) -> tuple[FrozenEntity, ...]:
    declared = yaml.safe_load(sources.read_text(encoding="utf-8"))["sources"][0]["tables"]
    return tuple(
        FrozenEntity(
            name=table["name"],
            frozen_from=table["config"]["meta"]["frozen_from"],
            rows=table["config"]["meta"].get("rows", "issued"),
            columns=tuple((column["name"], column["data_type"]) for column in table["columns"]),
        )
        for table in declared
    )


def frozen_entities(settings: Settings) -> tuple[FrozenEntity, ...]:
    """Return what is frozen at issue, one entity per table of the dbt source `issued`."""
    return _read(settings.dbt_project / SOURCES)
