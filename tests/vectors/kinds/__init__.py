"""How each kind of vector becomes tariff rows and usage, and what of the warehouse answers it.

A kind is a function `plan(row, name, world)`: it adds rows to the world under `name` and returns a
check to be asked after the build, which returns "" or what differs. Numbers that other projects
assert, with their sources: `../data/`.
"""

from __future__ import annotations

from kinds import bundles, discounts, prefix, pricing, proration, rating, timebands
from kinds.types import Check, Plan, Row

__all__ = ["KINDS", "OUT_OF_SCOPE", "Check", "kind_of"]

# Not built, and not to be by this runner: declared by kind, never by row.
OUT_OF_SCOPE = {
    "pricing/graduated_prorated": "its prorated units are given, not derivable",
    "pricing/volume_prorated": "its prorated units are given, not derivable",
    "rating/max_duration": "online charging",
    "rating/bundle_with_money": "prepaid",
    "discounts/account_credit": "receivables",
    "discounts/credit_allocation": "receivables",
}

KINDS: dict[str, Plan] = {
    **bundles.KINDS,
    **discounts.KINDS,
    **prefix.KINDS,
    **pricing.KINDS,
    **proration.KINDS,
    **rating.KINDS,
    **timebands.KINDS,
}


def kind_of(file: str, row: Row) -> str:
    """Return the kind of a row: its file and what it calls itself."""
    kind = f"{file}/{row.get('kind') or row.get('model') or 'plain'}"
    if kind == "rating/bundle" and row["expected"].get("money") != row["params"].get("money"):
        return "rating/bundle_with_money"
    return kind
