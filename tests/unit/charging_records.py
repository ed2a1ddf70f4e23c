"""Charging and roaming records as another encoder makes them: pycrate, of the definitions.

A record is told as a tree: a step of a tag path -> the tree within, or the value's octets. A list
is told as a list of trees. `encode` needs no name of a field: it knows nothing of our dictionary.
"""

from __future__ import annotations

from typing import Any

from pycrate_asn1dir import CDR, TAP3
from pycrate_asn1rt.asnobj import ASN1Obj

# Records are made of what a test asks for: whether all that must be there is there does not matter.
ASN1Obj._SAFE_VAL = ASN1Obj._SAFE_BND = ASN1Obj._SAFE_BNDTAB = False

CS_RECORDS = CDR.CSChargingDataTypes.CSRecord
PS_RECORDS = CDR.GPRSChargingDataTypes.GPRSRecord
TAP_FILE = TAP3.TAP_0312.DataInterChange
TAP_BATCH = TAP3.TAP_0312.TransferBatch
TAP_EVENTS = TAP3.TAP_0312.CallEventDetail
_CLASSES = {0: "u", 1: "a", 2: "", 3: "p"}


def component(parent: Any, step: str) -> tuple[list[str], Any]:
    """Return the names that lead to the component with a tag, and the component.

    More than one where choices without a tag of their own lie between.
    """
    if parent.TYPE in ("SEQUENCE OF", "SET OF"):
        candidates = {"": parent._cont}
    else:
        candidates = dict(parent._cont)
    for name, candidate in candidates.items():
        if _tag(candidate) == step:
            return [name], candidate
        if candidate.TYPE == "CHOICE" and not candidate._tagc:
            try:
                names, found = component(candidate, step)
            except KeyError:
                continue
            return [name, *names], found
    raise KeyError(step)


def _tag(candidate: Any) -> str:
    if not candidate._tagc:
        return ""
    tag_class, number = candidate._tagc[0][:2]
    return f"{_CLASSES[tag_class]}{number}"


def encode(choice: Any, tree: dict[str, Any]) -> bytes:
    """Return a record in BER; `tree` has one step, the record's own tag."""
    choice.set_val(_value(choice, tree))
    encoded: bytes = choice.to_ber()
    return encoded


def _value(parent: Any, tree: Any) -> Any:
    if parent.TYPE in ("SEQUENCE OF", "SET OF"):
        return [_item(parent, one) for one in tree]
    if parent.TYPE == "CHOICE":
        ((step, inner),) = tree.items()
        names, found = component(parent, step)
        value = _value(found, inner)
        for name in reversed(names):
            value = (name, value)
        return value
    if parent.TYPE in ("SET", "SEQUENCE"):
        return {component(parent, step)[0][0]: _member(parent, step, tree[step]) for step in tree}
    return tree


def _member(parent: Any, step: str, tree: Any) -> Any:
    names, found = component(parent, step)
    value = _value(found, tree)
    for name in reversed(names[1:]):
        value = (name, value)
    return value


def _item(parent: Any, tree: Any) -> Any:
    if parent._cont.TYPE == "CHOICE" and not parent._cont._tagc:
        return _value(parent._cont, tree)
    ((_, inner),) = tree.items()
    return _value(parent._cont, inner)
