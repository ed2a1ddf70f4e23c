"""A month in every format with faults put in: each is named, and what is mended is all there.

`TOLLHOUSE_MIXED_SUBSCRIBERS=10000` takes the same test to the size of a small operator.
"""

from __future__ import annotations

import csv
import os
import re
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from billing_homes import PROJECT, Home

from orchestration.collect.inbox import describe_rejects, read_manifest
from orchestration.sample import SAMPLE_FORMATS, SampleOptions, SampleSummary, make_sample
from orchestration.sample.faults import FAULTS, Injected
from orchestration.settings import Settings
from orchestration.verify.evidence import attach, open_evidence
from orchestration.verify.fates import CHECKS
from orchestration.verify.law_check import LawCheck

pytestmark = pytest.mark.heavy

SUBSCRIBERS = int(os.environ.get("TOLLHOUSE_MIXED_SUBSCRIBERS", "200"))
IN_TIME = datetime(2026, 11, 1, 1, 0, tzinfo=UTC)
TOO_LATE = datetime(2026, 12, 2, 1, 0, tzinfo=UTC)
MARTS = (
    "resource_type:seed",
    *("+fct_usage_findings", "+fct_usage_files", "+fct_rated_usage", "+fct_suspended_usage"),
    "+rpt_control_totals",
)
# What a file says of itself stays said: somebody has to go on without what was never there.
NOT_MENDED = ("jump", "miscounted", "lost")
# Told, and nothing waits for it.
TOLD = ("late_file", "repeated_number", "no_usage")

Key = tuple[str, str, str]


@dataclass(frozen=True)
class Seen:
    """What the system says at one moment."""

    findings: set[tuple[str, str, str]]
    rejects: list[str]
    duplicates: Counter[str]
    conflicting: Counter[str]
    usage: dict[Key, tuple[int, int, int]]
    laws: list[LawCheck]


@dataclass
class Month:
    """The month: what was made of it, what was done to it, and what was seen before and after."""

    summary: SampleSummary
    injected: list[Injected]
    truth: dict[Key, tuple[int, int, int]]
    later: dict[str, list[str]]
    silent: set[str]
    faulty: Seen
    mended: Seen


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def look(home: Home) -> Seen:
    """Ask the warehouse, which was built, and landing."""
    with open_evidence(home.settings, home.ledger, home.settings.exports) as evidence:
        attach(evidence.sql, home.settings.warehouse, "warehouse")

        def counted(query: str) -> Counter[str]:
            return Counter(dict(evidence.rows(query)))

        of_file = "inner join landing.manifest as manifest on found.file_id = manifest.file_id"
        usage: list[tuple[Any, ...]] = evidence.rows(
            f"""
            select
                source_id, service, direction, count(*), sum(found.duration_seconds)::bigint,
                sum(found.volume_bytes)::bigint
            from (
                select file_id, service, direction, duration_seconds, volume_bytes
                from warehouse.marts.fct_rated_usage
                union all
                select file_id, service, direction, duration_seconds, volume_bytes
                from warehouse.marts.fct_suspended_usage
                where suspense_reason <> 'record_id_reused'
            ) as found
            {of_file} and manifest.status = 'accepted'
            group by all
            """
        )
        return Seen(
            set(
                evidence.rows(
                    "select finding, source_id, subject from warehouse.marts.fct_usage_findings"
                )
            ),
            describe_rejects(home.settings),
            counted(
                "select source_id, count(*) from warehouse.intermediate.int_usage__duplicates"
                f" as found {of_file} and manifest.status = 'accepted' group by all"
            ),
            counted(
                "select source_id, count(*) from warehouse.marts.fct_suspended_usage as found"
                f" {of_file} and manifest.status = 'accepted'"
                " where suspense_reason = 'record_id_reused' group by all"
            ),
            {(row[0], row[1], row[2]): (row[3], row[4], row[5]) for row in usage},
            [check(evidence) for check in CHECKS],
        )


def _silent(home: Path) -> set[str]:
    """Return the names of the files that say there was no usage, as the sample made them."""
    counted = read_rows(home / "sample" / "usage_files.csv")
    of_house = (home / "inbox" / "usage").iterdir()
    return {row["file_name"] for row in counted if row["record_count"] == "0"} | {
        path.name for path in of_house if path.read_bytes().count(b"\n") == 1
    }


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Month]:
    """October in all formats with faults, and the files that mend it a month later."""
    folder = tmp_path_factory.mktemp("mixed")
    project = folder / "project"
    ignored = shutil.ignore_patterns("target", "logs")
    shutil.copytree(PROJECT / "dbt_project", project / "dbt_project", ignore=ignored)
    shutil.copytree(PROJECT / "seeds", project / "seeds")
    home = Home(Settings(home=folder / "home", project_root=project))
    began = [time.perf_counter()]

    def lap(what: str) -> None:
        began.append(time.perf_counter())
        print(f"\n{SUBSCRIBERS:,} subscribers: {what} in {began[-1] - began[-2]:.0f} s")

    summary = make_sample(
        home.settings, SampleOptions(subscribers=SUBSCRIBERS, formats=SAMPLE_FORMATS, faults=True)
    )
    lap(f"{summary.usage_records:,} records made")
    sample, silent = home.settings.home / "sample", _silent(home.settings.home)
    home.collect(IN_TIME)
    lap("collected")
    home.build(*MARTS)
    lap("built")
    faulty = look(home)
    # All files came on 1 November, when none was due; one that comes on 2 December is late.
    calendar = project / "seeds" / "policy" / "expected_files.csv"
    calendar.write_text(calendar.read_text("utf-8").replace("1440,,", "1440,744,"), "utf-8")
    shutil.copytree(sample / "later", home.settings.inbox, dirs_exist_ok=True)
    home.collect(TOO_LATE)
    home.build(*MARTS)
    lap("mended")
    mended = look(home)
    home.close()
    for one in mended.laws:
        print(f"{one.what}: {one.figure}")
    print(f"{len(read_manifest(home.settings)):,} files; duplicates {dict(mended.duplicates)}")
    yield Month(
        summary,
        [
            Injected(**{**row, "record_count": int(row["record_count"])})  # type: ignore[arg-type]
            for row in read_rows(sample / "faults.csv")
        ],
        {
            (row["source_id"], row["service"], row["direction"]): (
                *(int(row["record_count"]), int(row["duration_seconds"])),
                int(row["volume_bytes"]),
            )
            for row in read_rows(sample / "usage_totals.csv")
        },
        {
            path.name: sorted(one.name for one in path.iterdir())
            for path in (sample / "later").iterdir()
        },
        silent,
        faulty,
        mended,
    )


def is_about(subject: str, injected: Injected) -> bool:
    """Return whether a finding's subject is the file of a fault.

    Of the number that was left out before a file nobody knows the day.
    """
    if injected.kind != "jump":
        return subject == injected.file_name
    node, _, number = injected.file_name.removesuffix(".csv").split("_")
    return subject == f"{node}_*_{int(number) - 1:06d}.csv"


def test_every_fault_is_put_in(month: Month) -> None:
    kinds = Counter((one.kind, one.source_id) for one in month.injected)
    assert all(kinds[fault.kind, fault.source_id] for fault in FAULTS)
    assert sum(kinds[kind, source] for kind, source in kinds if kind == "sent_again") >= 8
    assert sum(kinds[kind, source] for kind, source in kinds if kind == "changed") >= 6


def test_each_fault_of_a_file_is_found_by_name_and_nothing_else_is(month: Month) -> None:
    rules = {line.split(": ")[1] for line in month.faulty.rejects}
    expected = [
        one for one in month.injected if one.named_as not in {*rules, "duplicate", "conflicting"}
    ]
    found = {one for one in month.faulty.findings if one[0] not in TOLD}
    for injected in expected:
        named = [
            one
            for one in found
            if one[:2] == (injected.named_as, injected.source_id) and is_about(one[2], injected)
        ]
        assert len(named) == 1, injected
        found -= set(named)
    assert not found
    told = {one[::2] for one in month.faulty.findings if one[0] in TOLD}
    assert told == {("no_usage", name) for name in month.silent}


def test_each_broken_record_is_rejected_by_its_rule(month: Month) -> None:
    lines = [
        line.partition("/")[2]
        for line in month.faulty.rejects
        if "_bad01_" not in line and "refused" not in line
    ]
    damaged = [one for one in month.injected if one.kind in ("cut", "corrupt")]
    for injected in damaged:
        named = [
            line
            for line in lines
            if line.startswith(f"{injected.file_name}:") and f": {injected.named_as}: " in line
        ]
        assert named, injected
    files = {line.split(":")[0] for line in lines if re.match(r"[^:]+:[0-9]+: ", line)}
    assert files == {one.file_name for one in damaged}


def test_what_was_sent_again_is_a_duplicate_and_what_was_changed_waits(month: Month) -> None:
    for kind, seen in (
        ("sent_again", month.faulty.duplicates),
        ("changed", month.faulty.conflicting),
    ):
        wanted = {one.source_id: one.record_count for one in month.injected if one.kind == kind}
        assert {source: seen[source] for source in seen if source != "usage"} == wanted


def test_control_totals_tie_with_every_fault_in(month: Month) -> None:
    assert [one.details for one in month.faulty.laws if not one.is_kept] == []
    assert len(month.faulty.laws) == len(CHECKS)
    assert sum(row[0] for row in month.faulty.usage.values()) < sum(
        row[0] for row in month.truth.values()
    )


def test_what_comes_after_all_makes_the_month_the_truth(month: Month) -> None:
    """To the record, the second and the byte, by source, service and direction."""
    assert month.mended.usage == month.truth
    assert [one.details for one in month.mended.laws if not one.is_kept] == []


def test_what_comes_after_all_clears_its_finding_and_is_late(month: Month) -> None:
    found = {one for one in month.mended.findings if one[0] not in TOLD}
    left = [one for one in month.injected if one.kind in NOT_MENDED]
    assert len(found) == len(left)
    for injected in left:
        assert any(
            one[:2] == (injected.named_as, injected.source_id) and is_about(one[2], injected)
            for one in found
        ), injected
    late = {one[1:] for one in month.mended.findings if one[0] == "late_file"}
    # A partner's files have no deadline.
    assert late == {
        (source, name)
        for source, names in month.later.items()
        for name in names
        if source != "roaming"
    }
    repeated = {one[1:] for one in month.mended.findings if one[0] == "repeated_number"}
    assert repeated == {
        (one.source_id, one.file_name) for one in month.injected if one.kind in ("cut", "corrupt")
    }
