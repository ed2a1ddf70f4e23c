"""Law 2: landing is immutable, and the manifest accounts for every file in it."""

from __future__ import annotations

from collections.abc import Iterator

from orchestration.collect.entities import (
    BESIDE,
    FILTERED,
    INBOX_ENTITIES,
    REJECTS,
    USAGE_LINKS,
)
from orchestration.collect.inbox import one_line
from orchestration.lib.files import sha256_file
from orchestration.verify.evidence import Evidence, literal
from orchestration.verify.law_check import Finding, checks

EMPTY = "empty.parquet"

# One row per file that a manifest row stands for.
EXPECTED = f"""
    select
        entity || '/arrival_date=' || arrival_date || '/' || file_id || '.parquet' as path,
        rows_landed as row_count,
        file_name
    from landing.manifest
    where status = 'accepted' and rows_landed > 0
    union all
    select
        '{REJECTS.name}/arrival_date=' || arrival_date || '/' || file_id || '.parquet',
        records_rejected,
        file_name
    from landing.manifest
    where status = 'accepted' and records_rejected > 0
    union all
    select
        '{FILTERED.name}/arrival_date=' || arrival_date || '/' || file_id || '.parquet',
        records_filtered,
        file_name
    from landing.manifest
    where status = 'accepted' and records_filtered > 0
"""

# The links of a file are as many as they are: law 4 counts what they tie.
LINKED = f"""
    select '{USAGE_LINKS.name}/arrival_date=' || arrival_date || '/' || file_id || '.parquet'
    from landing.manifest
    where status = 'accepted' and entity = 'usage'
"""


@checks("law 2", "every file of the manifest is in landing, with the rows it says")
def manifest_files_exist(evidence: Evidence) -> Finding:
    """Compare the manifest with the row counts in the files' own footers."""
    expected = evidence.rows(EXPECTED)
    found = {path: _row_count(evidence, path) for path, _, _ in expected}
    problems = []
    for path, row_count, name in expected:
        if found[path] is None:
            problems.append(f"{path} is missing (from {one_line(name)})")
        elif found[path] != row_count:
            problems.append(f"{path} has {found[path]:,} rows, the manifest says {row_count:,}")
    total = sum(count or 0 for count in found.values())
    return Finding(f"{len(expected):,} files, {total:,} rows", problems)


def _row_count(evidence: Evidence, path: str) -> int | None:
    full = evidence.settings.landing / path
    if not full.is_file():
        return None
    (count,) = evidence.row(f"select sum(num_rows) from parquet_file_metadata({literal(full)})")
    return int(count)


@checks("law 2", "landing holds nothing that the manifest does not name")
def no_orphans_in_landing(evidence: Evidence) -> Finding:
    """List files of collected entities without a manifest row."""
    known = {path for path, *_ in (*evidence.rows(EXPECTED), *evidence.rows(LINKED))}
    orphans = [path for path in _collected_paths(evidence) if path not in known]
    problems = [f"{path} has no manifest row" for path in orphans]
    return Finding(f"{len(orphans):,} orphans", problems)


def _collected_paths(evidence: Evidence) -> Iterator[str]:
    landing = evidence.settings.landing
    beside = (table.name for table in BESIDE)
    for table in (*beside, *(entity.name for entity in INBOX_ENTITIES)):
        for path in sorted((landing / table).glob("*/*")):
            if path.name != EMPTY and not path.name.endswith(".tmp"):
                yield path.relative_to(landing).as_posix()


@checks("law 2", "the manifest's sequence has no gap, and no content was collected twice")
def manifest_is_gapless(evidence: Evidence) -> Finding:
    """Check that landing sequences run from 1 without a gap and that contents are accepted once."""
    count, distinct_count, last = evidence.row(
        """
        select count(*), count(distinct landing_sequence), coalesce(max(landing_sequence), 0)
        from landing.manifest
        """
    )
    problems = []
    if not count == distinct_count == last:
        problems.append(
            f"{count:,} manifest rows, {distinct_count:,} distinct sequences, the last is {last:,}"
        )
    twice = evidence.rows(
        """
        select entity, file_id, count(*)
        from landing.manifest
        where status = 'accepted'
        group by entity, file_id
        having count(*) > 1
        order by all
        """
    )
    problems += [
        f"{entity} {file_id} was accepted {times} times" for entity, file_id, times in twice
    ]
    return Finding(f"{count:,} files collected", problems)


@checks("law 2", "source files that are still in the inbox are what was collected")
def sources_are_unchanged(evidence: Evidence) -> Finding:
    """Hash the inbox's files again; a file that was never collected is not looked at."""
    recorded: dict[tuple[str, str], set[str]] = {}
    for folder, name, file_id in evidence.rows(
        "select source_id, file_name, file_id from landing.manifest"
    ):
        recorded.setdefault((folder, name), set()).add(file_id)
    checked, problems = 0, []
    for (folder, name), hashes in sorted(recorded.items()):
        path = evidence.settings.inbox / folder / name
        # A name is data: only a file right in its folder can have been collected.
        if path.parent.name != folder or not path.is_file():
            continue
        checked += 1
        if sha256_file(path) not in hashes:
            problems.append(f"{folder}/{one_line(name)} has changed since it was collected")
    return Finding(f"{checked:,} of {len(recorded):,} sources still there", problems)


CHECKS = (
    manifest_files_exist,
    no_orphans_in_landing,
    manifest_is_gapless,
    sources_are_unchanged,
)
