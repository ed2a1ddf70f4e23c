"""Faults put into a month on purpose, and the list of them: what was done, where, what names it.

What a fault took from the inbox lies under `sample/later`, as its node would send it again: laid
into the inbox and collected, it mends what can be mended, and what comes so is late.
"""

from __future__ import annotations

import re
import shutil
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from orchestration.sample.formats.events import UsageFile

LATER: Final = "later"
# A file that is damaged or miscounted has some records, so that it is told from an empty one.
_FEWEST: Final = 2
_BEYOND: Final = 3
_LOST: Final = 2
_CUT: Final = 25


@dataclass(frozen=True)
class Fault:
    """What to do to the file of a source on a day of the month, or the first fit one after it.

    `named_as` is the finding (`fct_usage_findings`) or, of a record, the rule (`tollhouse rejects`)
    that has to tell of it.
    """

    kind: str
    source_id: str
    day: int
    named_as: str


FAULTS: Final = (
    Fault("missing", "usage", 12, "missing_file"),
    Fault("cut", "usage", 22, "cut_off"),
    Fault("corrupt", "usage", 24, "impossible_started_at"),
    Fault("missing", "pbx", 12, "missing_file"),
    Fault("missing", "roaming", 9, "missing_number"),
    Fault("jump", "voip", 20, "missing_number"),
    Fault("copy", "nas", 14, "copied_file"),
    Fault("refused", "mediation", 18, "refused_file"),
    Fault("refused", "gateway", 19, "refused_file"),
    Fault("miscounted", "switch", 8, "wrong_count"),
    Fault("miscounted", "roaming", 16, "wrong_count"),
    Fault("lost", "gateway", 16, "lost_records"),
    Fault("cut", "reseller", 22, "cut_off"),
    Fault("cut", "exchange", 22, "length_beyond_end"),
    Fault("cut", "charging_function", 22, "cut_off"),
    Fault("corrupt", "switch", 24, "unknown_record_type"),
    Fault("corrupt", "reseller", 24, "unreadable_time"),
)


@dataclass(frozen=True)
class Injected:
    """A fault that was put in: the file that has it, and how many records are concerned."""

    kind: str
    source_id: str
    file_name: str
    named_as: str
    record_count: int


@dataclass
class FaultPlan:
    """The faults still to be put in, and those that were; none of either changes nothing."""

    later: Path
    waiting: list[Fault] = field(default_factory=list)
    injected: list[Injected] = field(default_factory=list)

    def take(self, source_id: str, day: int, count: int) -> Fault | None:
        """Return the fault that the file of a source and day has, if it has `count` records."""
        for fault in self.waiting if count >= _FEWEST else ():
            if fault.source_id == source_id and day >= fault.day:
                self.waiting.remove(fault)
                return fault
        return None

    def damage(self, fault: Fault, path: Path, before: Path) -> None:
        """Do to a written file what its fault says; `before` is the file that came before it."""
        damage = _DAMAGES.get(fault.kind)
        if damage is not None:
            kept = self.later / fault.source_id / path.name
            kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, kept)
            damage(path, before)
        count = {"miscounted": _BEYOND, "lost": _LOST}.get(fault.kind, 1)
        self.injected.append(
            Injected(fault.kind, fault.source_id, path.name, fault.named_as, count)
        )


def declare(file: UsageFile, fault: Fault | None) -> UsageFile:
    """Return a file that declares what its fault says."""
    kind = fault.kind if fault else ""
    return replace(
        file,
        declared_beyond=_BEYOND if kind == "miscounted" else 0,
        lost_records=_LOST if kind == "lost" else 0,
    )


def _remove(path: Path, _before: Path) -> None:
    path.unlink()


def _copy(path: Path, before: Path) -> None:
    shutil.copy(before, path)


def _refuse(path: Path, _before: Path) -> None:
    path.write_text("the node is in maintenance\n", encoding="utf-8")


def _cut(path: Path, _before: Path) -> None:
    path.write_bytes(path.read_bytes()[:-_CUT])


def _corrupt(path: Path, _before: Path) -> None:
    """Give the first record a tag, or a day, that there is not."""
    content = bytearray(path.read_bytes())
    if path.suffix == ".cdr":
        (header,) = struct.unpack_from(">I", content, 4)
        content[header + 4] = 0xBE
    else:
        found = re.search(rb"(?<=-)[0-9]{2}(?=T)|(?<=;)[0-9]{2}(?=\.)", content)
        if found:
            content[found.start() : found.end()] = b"32"
    path.write_bytes(content)


_DAMAGES: Final[Mapping[str, Callable[[Path, Path], None]]] = {
    "missing": _remove,
    "copy": _copy,
    "refused": _refuse,
    "cut": _cut,
    "corrupt": _corrupt,
}
