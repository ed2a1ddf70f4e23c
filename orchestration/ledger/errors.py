"""What the ledger refuses, each as one line."""

from __future__ import annotations

from orchestration.lib.errors import TollhouseError


class LedgerError(TollhouseError):
    """The ledger could not be opened, read or written."""


class LedgerLockedError(LedgerError):
    """Another writer held the ledger for longer than this one was ready to wait."""


class LedgerRuleError(LedgerError):
    """A law of the ledger forbids what was asked; nothing was written."""
