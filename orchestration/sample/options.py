"""What a caller asks of the sample generator, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

DEFAULT_MONTH = date(2026, 10, 1)
# The house's own format, which every folder but those of usage sources has.
HOUSE = "house"


class SampleError(Exception):
    """A sample cannot be made; the message is one line for a person."""


@dataclass(frozen=True)
class SampleOptions:
    """What to make. Equal options give equal bytes.

    `month` is the first day of the usage month. `subscribers` cuts the base, or repeats it from
    the top when it asks for more than the base holds. `follow_up` makes the month after a first
    sample of the same seed, base and size: usage and one new account, no opening state. Usage comes
    in these `formats`, each record in one of them; what none of them can tell of, in the house's.
    `faults` puts gaps, doubles, damaged and miscounted files into the month (`sample/faults.csv`).
    """

    month: date = DEFAULT_MONTH
    seed: int = 7
    base: Path | None = None
    subscribers: int | None = None
    follow_up: bool = False
    formats: tuple[str, ...] = (HOUSE,)
    faults: bool = False

    def __post_init__(self) -> None:
        if self.month.day != 1:
            raise SampleError(f"the usage month must start on the 1st, not {self.month}")
        if self.subscribers is not None and self.subscribers < 1:
            raise SampleError(f"a sample needs at least 1 subscriber, not {self.subscribers}")
        if self.seed < 0:
            raise SampleError(f"the seed must not be negative, got {self.seed}")

    @property
    def first_month(self) -> date:
        """The month of the first sample: the one before `month` in a follow-up."""
        if not self.follow_up:
            return self.month
        if self.month.month == 1:
            return date(self.month.year - 1, 12, 1)
        return self.month.replace(month=self.month.month - 1)


@dataclass(frozen=True)
class SampleSummary:
    """What lies in the inbox now. `is_new` is false when it had been made before."""

    month: date
    base: str
    billing_accounts: int
    subscriptions: int
    usage_records: int
    voice_calls: int
    sms_records: int
    data_sessions: int
    roaming_records: int
    incoming_records: int
    late_records: int
    duplicate_records: int
    unknown_number_records: int
    broken_records: int
    offences: int
    files: tuple[str, ...]
    is_new: bool = True
