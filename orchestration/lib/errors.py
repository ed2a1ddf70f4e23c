"""What a person is told when something cannot go on: one line, no traceback."""

from __future__ import annotations


class TollhouseError(Exception):
    """A failure whose text is written for the operator; the command prints it as one line."""
