"""Kinds of rating.jsonl: one event through bands, steps, increments and rounding."""

from __future__ import annotations

from typing import Any

KINDS: dict[str, Any] = {}
