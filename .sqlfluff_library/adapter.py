"""What `adapter` is while SQLFluff renders a model: it picks the macro body of one engine.

The macros themselves are the project's own, so that what is linted is what each engine gets.
`TOLLHOUSE_LINT_ENGINE` says which: `duckdb` (default) or `spark`.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from jinja2 import pass_context
from jinja2.runtime import Context


@pass_context
def dispatch(context: Context, macro_name: str) -> Callable[..., str]:
    """Return `<engine>__<macro_name>`, else `default__<macro_name>`, as dbt does."""
    engine = os.environ.get("TOLLHOUSE_LINT_ENGINE", "duckdb")
    name = f"{engine}__{macro_name}"
    macro: Callable[..., str] = context.get(name) or context[f"default__{macro_name}"]
    return macro
