"""Kinds of prefix.jsonl: which row of a deck a number, or a pair of numbers, belongs to.

The cases share one operator: the own number of a case begins like nobody else's, and every row of
its deck with that beginning. Each row has a zone of its own, so that the zone names the row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from world import World

from kinds.types import Check, Plan, Row

LONGEST_NUMBER = 15
USED_ON = "2026-10-05"


def plain(row: Row, name: str, world: World) -> Check:
    """One number against prefixes, some of them dated."""
    prefixes = [_digits(one["prefix"]) for one in row["prefixes"]]
    dialled = _dialled(_digits(row["dialled"]), prefixes)
    wanted = [
        index
        for index, (one, prefix) in enumerate(zip(row["prefixes"], prefixes, strict=True))
        if one["destination"] == row["expected_destination"]
        and prefix == _digits(row.get("expected_prefix", one["prefix"]) or "")
    ]
    own = f"7{_case(name)}0000000"
    deck = [
        {
            "calling_prefix": own,
            "called_prefix": prefix,
            "valid_from": one.get("valid_from") or "2000-01-01",
            "valid_to": one.get("valid_to"),
        }
        for one, prefix in zip(row["prefixes"], prefixes, strict=True)
    ]
    on_date = str(row.get("at") or USED_ON)[:10]
    if row["expected_destination"] is None:
        wanted = []
    return _reached(world, name, deck, own, dialled, on_date, wanted)


def two_keys(row: Row, name: str, world: World) -> Check:
    """The calling and the called number; both keys of a row must match, the longest first one."""
    first, second = (_digits(number) for number in row["dialled"])
    beginning = f"7{_case(name)}"
    calling = [f"{beginning}{_digits(one['prefix_1'])}" for one in row["prefixes"]]
    called = [_digits(one["prefix_2"]) for one in row["prefixes"]]
    own = _longer(f"{beginning}{first}", calling, at_least=12)
    deck: list[dict[str, object]] = [
        {"calling_prefix": one, "called_prefix": other}
        for one, other in zip(calling, called, strict=True)
    ]
    wanted = [
        index
        for index, one in enumerate(row["prefixes"])
        if one["destination"] == row["expected_destination"]
    ]
    dialled = _dialled(second, called)
    return _reached(world, name, deck, own, dialled, USED_ON, wanted)


def _reached(
    world: World,
    name: str,
    deck: Iterable[dict[str, object]],
    own: str,
    dialled: str,
    on_date: str,
    wanted: list[int],
) -> Check:
    """Add a deck with a message from one number to the other; check the row it belongs to."""
    rows = list(deck)
    keys = [tuple(str(value) for value in row.values()) for row in rows]
    if len(set(keys)) < len(keys):
        raise ValueError("a prefix stands twice")
    world.plan(name)
    for index, row in enumerate(rows):
        zone_id = f"{name}-{index}"
        world.seed("zones", zone_id=zone_id, label_en=zone_id, label_de=zone_id)
        world.seed("number_zones", number_zone_id=zone_id, zone_id=zone_id, **row)
    for zone_id in ("home", *(f"{name}-{index}" for index in range(len(rows)))):
        world.seed(
            "usage_rates",
            usage_rate_id=f"{name}-{zone_id}",
            rate_plan_id=name,
            service="sms",
            zone_id=zone_id,
            charge_code=world.charge_code("usage"),
            rate_amount=1,
            currency_code="EUR",
        )
    subscriber = world.subscriber(name, name, msisdn=own)
    world.usage(subscriber, f"{on_date}T12:00:00Z", service="sms", other_number=dialled)

    def check(world: World) -> str:
        [(zone_id,)] = world.query(
            "select zone_id from intermediate.int_usage__arrived where subscription_id = ?",
            subscriber.subscription_id,
        )
        prefix, _, index = (zone_id or "").rpartition("-")
        found = [int(index)] if prefix == name else []
        if wanted and found and found[0] in wanted:
            return ""
        return "" if found == wanted else f"row {found or 'none'}, expected {wanted or 'none'}"

    return check


def _case(name: str) -> str:
    return name.removeprefix("v")


def _digits(text: str) -> str:
    """Return a number or prefix as it is dialled: + is the international prefix."""
    digits = text.replace("+", "00")
    if digits and not digits.isdigit():
        raise NotImplementedError(f"{text} is no number")
    return digits


def _dialled(number: str, prefixes: Iterable[str]) -> str:
    """Return a number that can be dialled and begins with the same prefixes."""
    known = list(prefixes)
    if any(len(prefix) > LONGEST_NUMBER for prefix in known):
        raise NotImplementedError("a prefix longer than a number")
    return _longer(number[:LONGEST_NUMBER], known, at_least=2)


def _longer(number: str, prefixes: Iterable[str], at_least: int) -> str:
    """Return a number of some length that begins with the same prefixes as a shorter one."""
    known = [prefix for prefix in prefixes if prefix.startswith(number) and prefix != number]
    for digit in _not_following(number, known):
        longer = number + digit * max(0, at_least - len(number))
        if not any(longer.startswith(prefix) for prefix in known):
            return longer
    raise NotImplementedError(f"every number that begins with {number} belongs to a longer prefix")


def _not_following(number: str, known: list[str]) -> Iterator[str]:
    following = {prefix[len(number)] for prefix in known}
    yield from (digit for digit in "0123456789" if digit not in following)
    yield from sorted(following)


KINDS: dict[str, Plan] = {"prefix/plain": plain, "prefix/two_keys": two_keys}
