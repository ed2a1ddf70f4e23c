"""The tariff is checked line by line before dbt reads it."""

from __future__ import annotations

from orchestration.collect.seed_check import check_seeds
from orchestration.lib.errors import TollhouseError
from orchestration.settings import Settings

SHOWN = 20


class TariffError(TollhouseError):
    """The seeds are not sound; the text has one line per problem, with file, line and rule."""


def require_sound_seeds(settings: Settings) -> None:
    """Raise `TariffError` when `seeds/` breaks a rule that its property files declare."""
    problems = check_seeds(settings.seeds)
    if problems:
        lines = [str(problem) for problem in problems[:SHOWN]]
        if len(problems) > SHOWN:
            lines.append(f"... and {len(problems) - SHOWN} more")
        raise TariffError("\n".join(lines))
