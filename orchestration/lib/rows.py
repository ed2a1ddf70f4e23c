"""Rows of a query as dictionaries, in the order the query gives them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import duckdb

Row = dict[str, Any]
_PARAMETER = re.compile(r"\$([a-z_]+)")


def read_rows(
    warehouse: duckdb.DuckDBPyConnection, query: str, parameters: Mapping[str, Any] | None = None
) -> list[Row]:
    """Return all rows of `query`; of `parameters` it gets those that it names as `$name`."""
    named = set(_PARAMETER.findall(query))
    given = {name: value for name, value in (parameters or {}).items() if name in named}
    cursor = warehouse.execute(query, given)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]
