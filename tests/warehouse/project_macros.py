"""The project's macros rendered for one engine by a few lines of Jinja instead of dbt."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from jinja2 import Environment

MACROS = Path(__file__).parents[2] / "dbt_project" / "macros"


class _Adapter:
    """`adapter.dispatch` for one engine: its own body of a macro, else the default one."""

    macros: Any = None

    def __init__(self, engine: str) -> None:
        self._engine = engine

    def dispatch(self, name: str, package: str = "") -> Callable[..., str]:
        own = getattr(self.macros, f"{self._engine}__{name}", None)
        macro: Callable[..., str] = own or getattr(self.macros, f"default__{name}")
        return macro


def load_macros(engine: str = "duckdb") -> Any:
    """Return the project's macros as one Jinja module."""
    adapter = _Adapter(engine)
    environment = Environment(extensions=["jinja2.ext.do"])  # noqa: S701 - SQL, not HTML
    environment.globals.update({"adapter": adapter, "return": lambda value: value})
    source = "\n".join(path.read_text("utf-8") for path in sorted(MACROS.rglob("*.sql")))
    adapter.macros = environment.from_string(source).module
    return adapter.macros
