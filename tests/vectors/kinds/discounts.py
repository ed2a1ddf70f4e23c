"""Kinds of discounts.jsonl."""

from __future__ import annotations

from typing import Any

KINDS: dict[str, Any] = {}
