"""What a step tells the person who watches: one line each, through the `tollhouse` logger."""

from __future__ import annotations

import logging
import time

log = logging.getLogger("tollhouse")
_started = time.monotonic()


def say(line: str) -> None:
    """Tell one line, with the seconds since the process began."""
    log.info("%6.1f s  %s", time.monotonic() - _started, line)
