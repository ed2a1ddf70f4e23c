"""What a check of a law says, and the shape that every check has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import duckdb
from sqlalchemy.exc import SQLAlchemyError

from orchestration.lib.errors import TollhouseError
from orchestration.verify.evidence import Evidence

SHOWN = 20


@dataclass(frozen=True)
class LawCheck:
    """One law, what was looked at, its figure, whether it is kept; `details` say what is not."""

    law: str
    what: str
    figure: str
    is_kept: bool
    details: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the check as plain values, for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Finding:
    """What a check found: the law is kept when there are no `problems`; `notes` are only told."""

    figure: str
    problems: Sequence[str] = ()
    notes: Sequence[str] = ()


Check = Callable[[Evidence], LawCheck]


def checks(law: str, what: str) -> Callable[[Callable[[Evidence], Finding]], Check]:
    """Make a check of a function that looks at the evidence.

    Evidence that cannot be read breaks the law it was to prove, and the other checks go on.
    """

    def decorate(look: Callable[[Evidence], Finding]) -> Check:
        def check(evidence: Evidence) -> LawCheck:
            try:
                finding = look(evidence)
            except (duckdb.Error, SQLAlchemyError, OSError, TollhouseError) as error:
                finding = Finding("could not be checked", [" ".join(str(error).split())[:400]])
            return judge(law, what, finding)

        return check

    return decorate


def judge(law: str, what: str, finding: Finding) -> LawCheck:
    """Turn a finding into a check; long lists are cut, with their length."""
    told = [*finding.problems, *finding.notes]
    shown = told[:SHOWN]
    if len(told) > SHOWN:
        shown.append(f"... and {len(told) - SHOWN:,} more")
    return LawCheck(law, what, finding.figure, not finding.problems, tuple(shown))
