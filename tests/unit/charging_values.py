"""Random values of charging records: what an encoder is given, and the text that must come out."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from charging_records import CS_RECORDS, PS_RECORDS, TAP_BATCH, TAP_EVENTS, TAP_FILE, component
from hypothesis import strategies as st

SEEDS = Path(__file__).parents[2] / "seeds"


def read_seed(name: str) -> list[dict[str, str]]:
    with (SEEDS / "reference" / f"{name}.csv").open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


# Of NRTRDE pycrate has no definition: test_nrtrde.py packs it by hand.
RECORD_ROWS = {
    row["record_type"]: row for row in read_seed("cdr_records") if row["format"] != "nrtrde"
}
FIELD_ROWS: dict[str, list[dict[str, str]]] = {}
for _row in read_seed("cdr_fields"):
    if _row["record_type"] in RECORD_ROWS:
        FIELD_ROWS.setdefault(_row["record_type"], []).append(_row)


def packed(digits: str) -> bytes:
    """Return digits as TBCD, written the plain way."""
    nibbles = ["0123456789*#abc".index(digit) for digit in digits]
    if len(nibbles) % 2:
        nibbles.append(15)
    return bytes(high << 4 | low for low, high in zip(nibbles[::2], nibbles[1::2], strict=True))


def packed_time(instant: datetime) -> bytes:
    """Return an instant as a charging record has it."""
    local = instant.strftime("%y%m%d%H%M%S")
    sign, offset = instant.strftime("%z")[0], instant.strftime("%z")[1:5]
    return bytes.fromhex(local) + sign.encode() + bytes.fromhex(offset)


def instants() -> st.SearchStrategy[datetime]:
    zones = st.integers(-48, 56).map(lambda q: timezone(timedelta(minutes=15 * q)))
    return st.builds(
        lambda moment, zone: moment.replace(microsecond=0, tzinfo=zone),
        st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)),  # noqa: DTZ001
        zones,
    )


digit_texts = st.text("0123456789", min_size=1, max_size=15)
numbers = st.tuples(st.sampled_from([(0x91, "+"), (0xA1, "N"), (0x81, "")]), digit_texts)
addresses = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))
networks = st.from_regex(r"[0-9]{5,6}", fullmatch=True)
words = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=","))


def packed_network(text: str) -> bytes:
    mcc, mnc = text[:3], text[3:].ljust(3, "f")
    return bytes.fromhex("".join((mcc[1], mcc[0], mnc[2], mcc[2], mnc[1], mnc[0])))


def _time_zone(quarters: int) -> tuple[bytes, str]:
    tens, ones = divmod(abs(quarters), 10)
    octet = ones << 4 | tens | (0x08 if quarters < 0 else 0)
    hours, rest = divmod(15 * abs(quarters), 60)
    return bytes([octet, 0]), f"{'-' if quarters < 0 else '+'}{hours:02}:{rest:02}"


def _bits(flags: list[bool]) -> tuple[tuple[int, int], str]:
    number = int("".join("1" if flag else "0" for flag in flags), 2)
    return (number, len(flags)), " ".join(str(i) for i, flag in enumerate(flags) if flag)


def _counted(number: tuple[tuple[int, str], str]) -> tuple[bytes, str]:
    (kind, sign), digits = number
    return bytes([len(digits), kind]) + packed(digits), sign + digits


def values(codec: str, path: str) -> st.SearchStrategy[tuple[Any, str]]:
    """Return a strategy of (what the encoder is given, the text that must be read)."""
    made: dict[str, st.SearchStrategy[tuple[Any, str]]] = {
        "bits": st.lists(st.booleans(), min_size=1, max_size=40).map(_bits),
        "boolean": st.booleans().map(lambda flag: (flag, str(flag).lower())),
        "ia5": words.map(lambda text: (text, text)),
        "utf8": words.map(lambda text: (text, text)),
        "integer": st.integers(-(2**40), 2**63).map(lambda number: (number, str(number))),
        "mark": st.just((0, "true")),
        "octets": st.binary(max_size=60).map(lambda content: (content, content.hex())),
        "bcd": digit_texts.map(lambda text: (bytes.fromhex(text + "f" * (len(text) % 2)), text)),
        "tbcd": st.text("0123456789*#abc", min_size=1, max_size=16).map(
            lambda text: (packed(text), text)
        ),
        "number": numbers.map(lambda n: (bytes([n[0][0]]) + packed(n[1]), n[0][1] + n[1])),
        "sms_number": numbers.map(_counted),
        "plmn": networks.map(lambda text: (packed_network(text), text)),
        "timestamp": instants().map(lambda moment: (packed_time(moment), moment.isoformat())),
        "time_zone": st.integers(-48, 56).map(_time_zone),
    }
    if codec == "ip_address":
        version = 4 if path.endswith(".0") else 6
        return st.ip_addresses(v=version).map(lambda address: (address.packed, str(address)))
    return made[codec]


TAP_ENVELOPE = ("tap_batch_control", "tap_accounting", "tap_network", "tap_audit")


def oracle_of(record_type: str) -> Any:
    """Return the published definition that a record type is a component of."""
    if record_type == "tap_notification":
        return TAP_FILE
    if record_type.startswith("tap_"):
        return TAP_BATCH if record_type in TAP_ENVELOPE else TAP_EVENTS
    return PS_RECORDS if record_type.startswith("data") else CS_RECORDS


def component_at(record_type: str, path: str) -> tuple[list[str], Any]:
    """Return the names that lead to a field in the published definition, and its component."""
    way, found = [], oracle_of(record_type)
    for step in (RECORD_ROWS[record_type]["record_tag"], *path.split(".")):
        names, found = component(found, step)
        way += [name for name in names if name]
    return way[1:], found


Tree = dict[str, Any]


@st.composite
def records(draw: st.DrawFn) -> tuple[str, Tree, list[dict[str, str]]]:
    """Draw a record type, its tree for the encoder, and the fields that must come out by part."""
    record_type = draw(st.sampled_from(sorted(set(FIELD_ROWS) - set(TAP_ENVELOPE))))
    tag, containers = RECORD_ROWS[record_type]["record_tag"], RECORD_ROWS[record_type]["part_paths"]
    rows = draw(st.lists(st.sampled_from(FIELD_ROWS[record_type]), unique_by=_field))
    _, record = component(oracle_of(record_type), tag)
    inner: Tree = {}
    expected: dict[str, str] = {"record_type": record_type}
    for name in ("service", "direction"):
        if RECORD_ROWS[record_type][name]:
            expected[name] = RECORD_ROWS[record_type][name]
    for row in rows:
        if any(row["tag_path"].startswith(f"{path}.") for path in containers.split()):
            continue
        given = _draw_value(draw, record_type, row)
        if given is None or not _graft(record, inner, row["tag_path"].split("."), given[0]):
            continue
        expected[row["field"]] = given[1]
    is_tried = "seized_at" in expected and "answered_at" not in expected
    expected["outcome"] = "not_answered" if is_tried else "done"
    if "failure" in expected:
        expected["outcome"] = "failed"
    goes_on = expected.get("record_sequence_number", "1") not in ("0", "1")
    expected["is_first_partial"] = "false" if goes_on else "true"
    parts = []
    for path in containers.split()[:1]:
        own = [row for row in FIELD_ROWS[record_type] if row["tag_path"].startswith(f"{path}.")]
        for _ in range(draw(st.integers(0, 3))):
            part, tree = {}, {}
            for row in draw(st.lists(st.sampled_from(own), unique_by=_field)):
                given = _draw_value(draw, record_type, row)
                if given is not None:
                    tree[row["tag_path"].removeprefix(f"{path}.")] = given[0]
                    part[row["field"]] = given[1]
            listed, item = path.split(".")
            inner.setdefault(listed, []).append({item: tree})
            parts.append(part)
    numbered = [
        {**expected, **part, "part_number": str(number), "part_count": str(len(parts))}
        for number, part in enumerate(parts, 1)
    ]
    return record_type, {tag: inner}, numbered or [expected]


def _field(row: dict[str, str]) -> str:
    return row["field"]


def _draw_value(draw: st.DrawFn, record_type: str, row: dict[str, str]) -> tuple[Any, str] | None:
    _, found = component_at(record_type, row["tag_path"])
    if found.TYPE == "ENUMERATED":
        name, number = draw(st.sampled_from(sorted(found._cont.items())))
        return name, str(number)
    value, text = draw(values(row["codec"], row["tag_path"]))
    # TAP has no types for text: all of it is octets.
    return (
        value.encode() if found.TYPE == "OCTET STRING" and isinstance(value, str) else value
    ), text


def _graft(parent: Any, tree: Tree, path: list[str], value: Any) -> bool:
    """Put a value where its path says; false where a choice holds another already."""
    step, *rest = path
    _, found = component(parent, step)
    if not rest:
        tree[step] = value
        return True
    if found.TYPE.endswith(" OF"):
        item: Tree = {}
        tree.setdefault(step, []).append(item)
        return _graft(found, item, rest, value)
    if found.TYPE == "CHOICE" and tree.get(step):
        return False
    return _graft(found, tree.setdefault(step, {}), rest, value)
