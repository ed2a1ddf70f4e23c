"""The benchmark's rounds: totals are compared before anything is shown."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from decimal import Decimal

import pytest

from orchestration.bench.contest import (
    HAND_WRITTEN,
    OURS,
    Contest,
    DisagreementError,
    Entrant,
    Run,
    compete,
)
from orchestration.bench.totals import Totals
from orchestration.lib.errors import TollhouseError

FOUND = Totals(
    events=10,
    suspended=1,
    free_units=2,
    rated_amount=Decimal("1.000001"),
    invoices=3,
    net_amount=Decimal("1.00"),
    first_tax_amount=Decimal("0.19"),
    second_tax_amount=Decimal("0.00"),
    total_amount=Decimal("1.19"),
    checksum=7,
)


def answering(name: str, totals: Totals | None, before: Callable[[], None]) -> Entrant:
    figures = {
        "totals": None if totals is None else asdict(totals),
        "wall_seconds": 2.0,
        "cpu_seconds": 1.0,
    }
    answer = json.dumps(figures, default=str)
    return Entrant(name, [sys.executable, "-c", f"print({answer!r})"], before)


def test_every_round_begins_with_another_entrant() -> None:
    order: list[str] = []
    entrants = [
        answering("one", FOUND, lambda: order.append("one")),
        answering("limit", None, lambda: order.append("limit")),
    ]
    assert compete(entrants, 2, os.environ, lambda _: None) == FOUND
    assert order == ["one", "limit", "limit", "one"]
    assert [len(one.runs) for one in entrants] == [2, 2]
    assert all(run.cpu_seconds == 1 and run.peak_bytes > 0 for one in entrants for run in one.runs)


def test_one_cent_of_difference_ends_the_contest() -> None:
    other = replace(FOUND, net_amount=Decimal("1.01"))
    entrants = [answering("one", FOUND, int), answering("other", other, int)]
    with pytest.raises(DisagreementError, match=r"other found .*1\.01"):
        compete(entrants, 1, os.environ, lambda _: None)


def test_another_number_of_events_is_not_compared() -> None:
    fewer = replace(answering("fewer", replace(FOUND, events=1), int), is_compared=False)
    entrants = [answering("one", FOUND, int), fewer]
    assert compete(entrants, 1, os.environ, lambda _: None) == FOUND


def test_an_entrant_that_fails_is_named_with_its_reason() -> None:
    failing = Entrant("one", [sys.executable, "-c", "raise SystemExit('no such table')"])
    with pytest.raises(TollhouseError, match="one failed: no such table"):
        compete([failing], 1, os.environ, lambda _: None)


def test_the_table_shows_medians_and_the_ratio_to_the_job_by_hand() -> None:
    by_hand = Entrant(HAND_WRITTEN, [], runs=[Run(3, cpu, 2**20) for cpu in (1.0, 2.0, 6.0)])
    ours = Entrant(OURS, [], runs=[Run(3, cpu, 2**21) for cpu in (2.0, 3.0, 4.0)])
    first, second = Contest(10, FOUND, (by_hand, ours)).table()
    assert (first["cpu_seconds"], first["cpu_least"], first["cpu_most"]) == (2.0, 1.0, 6.0)
    assert (second["cpu_to_hand_written"], second["peak_megabytes"]) == (1.5, 2)
