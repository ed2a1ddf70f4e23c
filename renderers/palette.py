"""The one accent colour and its neighbours, shared by the invoice, the report and the charts."""

from __future__ import annotations

ACCENT = "#0f4c5c"
ACCENT_SOFT = "#9dbcc4"
ACCENT_TINT = "#eef4f5"
INK = "#1b2427"
MUTED = "#5a686d"
RULE = "#d3dcde"
ALERT = "#a3341f"

COLOURS = {
    "accent": ACCENT,
    "accent_soft": ACCENT_SOFT,
    "accent_tint": ACCENT_TINT,
    "ink": INK,
    "muted": MUTED,
    "rule": RULE,
    "alert": ALERT,
}
