"""What a kind is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from world import World

Row = Mapping[str, Any]
Check = Callable[[World], str]
Plan = Callable[[Row, str, World], Check]
