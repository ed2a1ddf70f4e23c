"""Law 10: nobody's text becomes a path."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

from orchestration.dispatch.print_folder import MANIFEST
from orchestration.lib.files import sha256_file
from orchestration.verify.evidence import Evidence
from orchestration.verify.law_check import Finding, checks

DOCUMENT = re.compile(r"([0-9a-f]{2})/\1[0-9a-f]{62}\.[a-z0-9]{1,8}")
BATCH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,107}")
LETTER = re.compile(r"[A-Z0-9]+(-[A-Z0-9]+)*\.pdf")
FORMULA = ("=", "+", "-", "@")
LANDED = re.compile(r"arrival_date=\d{4}-\d{2}-\d{2}/(?:empty|[0-9a-f]{64}(?:-\d+)?)\.parquet")


@checks("law 10", "the document store holds files named by their hash, and nothing else")
def document_names_are_hashes(evidence: Evidence) -> Finding:
    """Look at every file below `documents/`; a link could lead out of it."""
    store = evidence.settings.documents
    count, problems = 0, []
    for path in _files_below(store):
        count += 1
        name = path.relative_to(store).as_posix()
        if path.is_symlink() or not DOCUMENT.fullmatch(name):
            problems.append(f"documents/{_shown(name)} is not named by its hash")
        elif sha256_file(path) != path.stem:
            problems.append(f"documents/{name} does not hold what its name says")
    return Finding(f"{count:,} files", problems)


@checks("law 10", "names in landing are hashes and dates, never a sender's text")
def landing_names_are_safe(evidence: Evidence) -> Finding:
    """Look at every file of collected entities below `landing/`."""
    landing = evidence.settings.landing
    count, problems = 0, []
    for path in _files_below(landing):
        table, _, name = path.relative_to(landing).as_posix().partition("/")
        if table.startswith("issued_") or table.startswith(".") or path.name.endswith(".tmp"):
            continue
        count += 1
        if path.is_symlink() or not LANDED.fullmatch(name):
            problems.append(f"{_shown(table)}/{_shown(name)} is not named by a hash")
    return Finding(f"{count:,} files", problems)


@checks("law 10", "print batches hold the letters of their manifest, under safe names")
def print_batches_are_safe(evidence: Evidence) -> Finding:
    """Check names, hashes and cells of every closed batch."""
    root = evidence.settings.outbox / "print"
    letters, problems = 0, []
    batches = [path for path in sorted(root.glob("*")) if not path.name.startswith(".")]
    for batch in batches:
        if batch.is_symlink() or not batch.is_dir() or not BATCH.fullmatch(batch.name):
            problems.append(f"print/{_shown(batch.name)} is not a batch")
            continue
        found, wrong = _check_batch(batch)
        letters += found
        problems += [f"print/{batch.name}/{text}" for text in wrong]
    return Finding(f"{len(batches):,} batches, {letters:,} letters", problems)


def _check_batch(batch: Path) -> tuple[int, list[str]]:
    manifest = batch / MANIFEST
    pdfs = {path.name for path in batch.iterdir() if path.name not in (MANIFEST, ".rows")}
    problems = [
        f"{_shown(name)} is not a letter" for name in sorted(pdfs) if not LETTER.fullmatch(name)
    ]
    # Without its manifest a batch is still open, and not handed over.
    if not manifest.is_file():
        return len(pdfs), problems
    with manifest.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    listed = {row["file"]: row["sha256"] for row in rows}
    problems += [f"{_shown(name)} is not in the manifest" for name in sorted(pdfs - listed.keys())]
    for name, sha256 in listed.items():
        path = batch / name
        if not LETTER.fullmatch(name) or not path.is_file() or sha256_file(path) != sha256:
            problems.append(f"{_shown(name)} is not the letter of the manifest")
    problems += [
        f"{MANIFEST}: a cell begins like a formula: {_shown(value)}"
        for row in rows
        for value in row.values()
        if str(value).startswith(FORMULA)
    ]
    return len(listed), problems


def _files_below(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        for path in sorted(folder.rglob("*")):
            if path.is_symlink() or not path.is_dir():
                yield path


def _shown(name: str) -> str:
    """Return a name for a one-line message: hostile bytes do not reach the terminal."""
    return "".join(one if one.isprintable() else "?" for one in name)[:120]


CHECKS = (document_names_are_hashes, landing_names_are_safe, print_batches_are_safe)
