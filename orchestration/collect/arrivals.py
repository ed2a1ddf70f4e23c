"""What arrives in the inbox: which files are whole, and which of them are new.

A file may be collected when its size and time have been the same for a while: whoever writes into
a drop folder need not rename or lock anything.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from orchestration.collect.inbox import ManifestRow, changed_at, list_files
from orchestration.settings import Settings

_NEVER = datetime(1, 1, 1, tzinfo=UTC)
# As `folder/name`, with size in bytes and the time of the last change, as ISO 8601 text.
Listing = Mapping[str, tuple[int, str]]


@dataclass(frozen=True)
class Arrivals:
    """New files of the inbox: those that are whole, and those that may still be written."""

    settled: tuple[str, ...]
    unsettled: tuple[str, ...]
    listing: Listing

    @property
    def batch_id(self) -> str:
        """One id for the same files in the same state, so that a batch is collected by one run."""
        batch = sorted((name, *self.listing[name]) for name in self.settled)
        return hashlib.sha256(json.dumps(batch).encode()).hexdigest()[:16]


def list_inbox(settings: Settings) -> Listing:
    """Return every file of the inbox that collecting would read; those that go meanwhile are not.

    Names are text that every store can keep, whatever bytes they have on disk.
    """
    listing = {}
    for source in list_files(settings):
        try:
            status = source.path.stat()
        except OSError:
            continue
        changed = changed_at(status).isoformat()
        listing[f"{source.folder}/{source.name}"] = (status.st_size, changed)
    return listing


def find_arrivals(
    before: Listing,
    now: Listing,
    manifest: Iterable[ManifestRow],
    at: datetime,
    settle: timedelta,
) -> Arrivals:
    """Tell the new files of `now` apart: settled are those that stayed as they were in `before`.

    New is what the manifest does not have under its name and size since its last change: the same
    name with other content is a new file. A file that changed less than `settle` before `at` is not
    settled, nor is one dated after it.
    """
    collected: dict[tuple[str, int], datetime] = {}
    for row in manifest:
        key = (f"{row.source_id}/{row.file_name}", row.size_bytes)
        collected[key] = max(row.received_at.replace(tzinfo=UTC), collected.get(key, _NEVER))
    settled: list[str] = []
    unsettled: list[str] = []
    for name, (size, changed) in sorted(now.items()):
        since = datetime.fromisoformat(changed)
        if since < collected.get((name, size), _NEVER):
            continue
        is_settled = before.get(name) == (size, changed) and since + settle <= at
        (settled if is_settled else unsettled).append(name)
    return Arrivals(tuple(settled), tuple(unsettled), now)
