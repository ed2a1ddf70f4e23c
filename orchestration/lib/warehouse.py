"""Reading the warehouse: opened read-only, rows as dictionaries in the order the query gives."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import duckdb

from orchestration.lib.errors import TollhouseError
from orchestration.settings import Settings

Row = dict[str, Any]
_PARAMETER = re.compile(r"\$([a-z_]+)")


class WarehouseError(TollhouseError):
    """The warehouse cannot be read now."""


def open_warehouse(settings: Settings) -> duckdb.DuckDBPyConnection:
    """Open the live warehouse for reading; use it in a `with`, or the next build cannot write.

    Raises `WarehouseError` when nothing was built yet or a build is writing.
    """
    if not settings.warehouse.is_file():
        raise WarehouseError("no bill run has built the warehouse yet")
    try:
        return duckdb.connect(str(settings.warehouse), read_only=True)
    except duckdb.IOException as error:
        raise WarehouseError("the warehouse is being written; try again later") from error


def read_rows(
    warehouse: duckdb.DuckDBPyConnection, query: str, parameters: Mapping[str, Any] | None = None
) -> list[Row]:
    """Return all rows of `query`; of `parameters` it gets those that it names as `$name`.

    Raises `WarehouseError` when a table is not there: a first run stopped before it.
    """
    named = set(_PARAMETER.findall(query))
    given = {name: value for name, value in (parameters or {}).items() if name in named}
    try:
        cursor = warehouse.execute(query, given)
    except duckdb.CatalogException as error:
        raise WarehouseError("no bill run has built the marts yet") from error
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]
