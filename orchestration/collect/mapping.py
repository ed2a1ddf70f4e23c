"""The SQL that turns native records into records of usage, still as text, as a mapping says.

What a native record becomes has, beside the columns of usage: `filter_reason` (the record is no
usage), `mapping_fault` (`rule: reason`, it cannot be mapped) and `group_value`. Nothing is judged
here but what the mapping alone can tell: the columns' own rules follow in `decode`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from orchestration.collect.decode import quote_name, shown
from orchestration.collect.kinds import quote
from orchestration.collect.readers.records import NATIONAL
from orchestration.collect.sources import (
    ANY_VALUE,
    DURATION_FORMS,
    IDS,
    NUMBERS,
    QUANTITIES,
    USAGE_COLUMNS,
    VOLUME_FORMS,
    WHOLE_RECORD,
    FieldRule,
    UsageSource,
    ValueRule,
)

TEST_FILE = "test_file"
_PLACE = ("row_number", "record_number", "line_number")
_OFFSET_AT_END = r"(?:[Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)"
_ISO = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?"
_NUMBER = r"[0-9]{1,15}(\.[0-9]{1,6})?"
# An hour that is repeated or left out is never longer.
_LONGEST_SHIFT = "interval 3 hours"


def native_name(field: str) -> str:
    """Return the SQL name that a native field has in the query of native records."""
    return quote_name(f"native_{field}")


def mapped_records(source: UsageSource, native: str, is_test: bool = False) -> str:
    """Return the query of mapped records over `native`, which has a text column per used field.

    `is_test`: the file says that its data must never be billed, so all of it is filtered.
    """
    if not source.is_mapped:
        return _taken_as_they_are(source, native)
    names = ", ".join((*_PLACE, *(native_name(field) for field in source.used_fields)))
    direction = _column(source, "direction", _rules(source, "direction"))
    columns = ", ".join(
        f"{_column(source, name, _rules(source, name))} as {quote_name(name)}"
        for name in USAGE_COLUMNS
        if name != "direction"
    )
    group = native_name(source.group_field) if source.group_field else "cast(null as varchar)"
    filtered = quote(TEST_FILE) if is_test else _filter_reason(source)
    steps = f"(select {names} from {native} as native)"
    # One step a layer, so that each is computed once.
    for added in (
        list(_valued(source)),
        [f"{direction} as mapped_direction"],
        _clocks(source),
        _places(source),
        _starts(source),
    ):
        if added:
            steps = f"(select *, {', '.join(added)} from {steps} as step)"
    return (
        f"select {', '.join(_PLACE)}, {group} as group_value, {filtered} as filter_reason,"
        f" {_fault(source)} as mapping_fault, mapped_direction as direction, {columns}"
        f" from {steps} as mapped"
    )


def _taken_as_they_are(source: UsageSource, native: str) -> str:
    """Return the query of records whose fields are the columns of their entity."""
    columns = ", ".join(f"{native_name(name)} as {quote_name(name)}" for name in source.used_fields)
    none = "cast(null as varchar)"
    return (
        f"select {', '.join(_PLACE)}, {none} as group_value, {none} as filter_reason,"
        f" {none} as mapping_fault, {columns} from {native} as native"
    )


def _rules(source: UsageSource, column: str) -> list[FieldRule]:
    return [rule for rule in source.fields if rule.column_name == column]


# Values


def _valued(source: UsageSource) -> Iterable[str]:
    """Yield, for each field whose values mean something, what its value becomes."""
    for field, rules in _value_rules(source).items():
        name = native_name(field)
        whens = [
            f"when {name} = {quote(rule.value)} then {_becomes(rule, name)}"
            for rule in rules
            if rule.value != ANY_VALUE
        ]
        other = next((_becomes(rule, name) for rule in rules if rule.value == ANY_VALUE), name)
        case = f"case {' '.join(whens)} else {other} end" if whens else other
        yield f"{case} as {quote_name(f'value_{field}')}"


def _becomes(rule: ValueRule, name: str) -> str:
    return quote(rule.becomes) if rule.becomes else name


def _value_rules(source: UsageSource) -> dict[str, list[ValueRule]]:
    rules: dict[str, list[ValueRule]] = {}
    for rule in source.values:
        rules.setdefault(rule.field, []).append(rule)
    return rules


def _value(source: UsageSource, rule: FieldRule) -> str:
    """Return SQL for the text that a rule takes, its value's meaning applied."""
    if not rule.field:
        return quote(rule.constant)
    if rule.field == WHOLE_RECORD:
        parts = (f"coalesce({native_name(field)}, '')" for field in source.used_fields)
        return f"md5(concat_ws(chr(31), {', '.join(parts)}))"
    if any(one.field == rule.field for one in source.values):
        return quote_name(f"value_{rule.field}")
    return native_name(rule.field)


def _filter_reason(source: UsageSource) -> str:
    """Return SQL for why a record is no usage: the first such value, in the order of the seed."""
    whens = []
    for field, rules in _value_rules(source).items():
        name = native_name(field)
        known = ", ".join(quote(rule.value) for rule in rules if rule.value != ANY_VALUE)
        for rule in rules:
            if rule.filter_reason:
                is_value = f"{name} = {quote(rule.value)}"
                if rule.value == ANY_VALUE:
                    is_value = f"({name} is null or {name} not in ({known}))" if known else "true"
                whens.append(f"when {is_value} then {quote(rule.filter_reason)}")
    return f"case {' '.join(whens)} end" if whens else "cast(null as varchar)"


# Columns


def _column(source: UsageSource, column: str, rules: Sequence[FieldRule]) -> str:
    """Return SQL for a column's text.

    Quantities of several fields add up, the parts of an id of a record or session are joined, of
    anything else the first field that is not empty counts.
    """
    if not rules:
        return "cast(null as varchar)"
    if column == "started_at":
        texts = [_for_direction(rule, f"start_{number}") for number, rule in enumerate(rules, 1)]
        return _first(texts)
    if column in QUANTITIES:
        return _quantity(source, column, rules)
    texts = [_for_direction(rule, _plain(source, column, rule)) for rule in rules]
    if column in IDS and len(texts) > 1:
        return f"nullif(concat_ws('-', {', '.join(texts)}), '')"
    return _first(texts)


def _first(texts: Sequence[str]) -> str:
    return texts[0] if len(texts) == 1 else f"coalesce({', '.join(texts)})"


def _for_direction(rule: FieldRule, text: str) -> str:
    if not rule.direction:
        return text
    return f"case when mapped_direction = {quote(rule.direction)} then {text} end"


def _plain(source: UsageSource, column: str, rule: FieldRule) -> str:
    value = _value(source, rule)
    if column in NUMBERS and rule.form in ("dialled", "national") and rule.field:
        return _number(source, rule.form, value)
    return value


def _number(source: UsageSource, form: str, value: str) -> str:
    """Return SQL for a telephone number in digits with its country: what was dialled says which."""
    bare = f"regexp_replace({value}, '[ ()./-]', '', 'g')"
    whens = [
        f"when starts_with({bare}, '+') then substr({bare}, 2)",
        f"when starts_with({bare}, {quote(NATIONAL)})"
        f" then {quote(source.calling_code)} || substr({bare}, 2)",
    ]
    for prefix, before in (
        (source.international_prefix, ""),
        (source.national_prefix, source.calling_code),
    ):
        if prefix:
            rest = f"substr({bare}, {len(prefix) + 1})"
            rest = f"{quote(before)} || {rest}" if before else rest
            whens.append(f"when starts_with({bare}, {quote(prefix)}) then {rest}")
    # A number without a prefix: digits as they are, or the rest of a national number.
    other = f"{quote(source.calling_code)} || {bare}" if form == "national" else bare
    return f"case {' '.join(whens)} else {other} end"


def _quantity(source: UsageSource, column: str, rules: Sequence[FieldRule]) -> str:
    """Return SQL for whole units: a begun one counts; what is no number stays as it is written."""
    texts = [_for_direction(rule, _value(source, rule)) for rule in rules]
    if len(rules) == 1 and not rules[0].form:
        return texts[0]
    shortcut = ""
    divisor = {"milliseconds": 1_000, "microseconds": 1_000_000}.get(rules[0].form)
    if len(rules) == 1 and divisor:
        # What nearly every value is; the exact way of the others takes long.
        whole = f"(cast({texts[0]} as bigint) + {divisor - 1}) // {divisor}"
        is_whole = f"regexp_full_match({texts[0]}, '[0-9]{{1,15}}')"
        shortcut = f"when {is_whole} then cast({whole} as varchar)"
    summed = " + ".join(
        f"coalesce({_units(text, rule.form)}, 0)" for text, rule in zip(texts, rules, strict=True)
    )
    wrong = " ".join(
        f"when {text} is not null and {_units(text, rule.form)} is null then {text}"
        for text, rule in zip(texts, rules, strict=True)
    )
    none = " and ".join(f"{text} is null" for text in texts)
    total = f"cast(cast(ceil({summed}) as hugeint) as varchar)"
    return f"case when {none} then null {shortcut} {wrong} else {total} end"


def _units(text: str, form: str) -> str:
    """Return SQL for a text as a number of the column's units; null if it is none."""
    if form == "h:mm:ss":
        parts = " + ".join(
            f"cast(split_part({text}, ':', {part}) as decimal(38, 12)) * {seconds}"
            for part, seconds in ((1, 3600), (2, 60), (3, 1))
        )
        clock = "[0-9]{1,6}:[0-5][0-9]:[0-5][0-9]"
        return f"case when regexp_full_match({text}, {quote(clock)}) then {parts} end"
    factor = DURATION_FORMS.get(form) or VOLUME_FORMS.get(form) or "1"
    scaled = f"cast(cast({text} as decimal(21, 6)) * {factor} as decimal(38, 12))"
    return f"case when regexp_full_match({text}, {quote(_NUMBER)}) then {scaled} end"


# Times


def _clocks(source: UsageSource) -> list[str]:
    """Return SQL for what each field of `started_at` says: a clock reading, or an instant."""
    found = []
    for number, rule in enumerate(_rules(source, "started_at"), 1):
        value = _value(source, rule)
        local, instant = _parsed(rule.form, value)
        found.append(f"{value} as said_{number}, {local} as clock_{number}")
        found.append(f"{instant} as instant_{number}")
    return found


def _parsed(form: str, value: str) -> tuple[str, str]:
    """Return SQL for a clock reading without and an instant with its offset; one of them is null.

    An epoch is an instant in UTC; `iso` and patterns with `%z` may bring their offset.
    """
    no_clock, no_instant = "cast(null as timestamp)", "cast(null as timestamptz)"
    if form.startswith("epoch"):
        digits = {"epoch": 6, "epoch_milliseconds": 3, "epoch_microseconds": 0}[form]
        whole = f"try_cast(try_cast({value} as decimal(24, 6)) * {10**digits} as bigint)"
        is_number = f"regexp_full_match({value}, '[0-9]{{1,17}}(\\.[0-9]{{1,6}})?')"
        return no_clock, f"case when {is_number} then make_timestamptz({whole}) end"
    if "%" in form:
        parsed = f"try_strptime({value}, {quote(form)})"
        return (no_clock, parsed) if "%z" in form else (parsed, no_instant)
    has_offset = f"regexp_full_match({value}, {quote(_ISO + _OFFSET_AT_END)})"
    is_clock = f"regexp_full_match({value}, {quote(_ISO)})"
    return (
        f"case when {is_clock} then try_cast({value} as timestamp) end",
        f"case when {has_offset} then try_cast({value} as timestamptz) end",
    )


def _places(source: UsageSource) -> list[str]:
    """Return SQL for the instant of each clock reading where the source is, and for its hour.

    `zoned_n` is the later one where the clock was put back; `earlier_n` is the other one there,
    else null; `is_skipped_n` says that no clock showed this: it was put forward.
    """
    if not source.time_zone:
        return []
    zone, found = quote(source.time_zone), []
    for number, _ in enumerate(_rules(source, "started_at"), 1):
        clock = f"clock_{number}"
        zoned = f"timezone({zone}, {clock})"
        before = f"{zoned} - {_LONGEST_SHIFT}"
        # Where the offset changed in the last hours, the reading may be of the offset before.
        earlier = (
            f"timezone('UTC', {clock} - (timezone({zone}, {before}) - timezone('UTC', {before})))"
        )
        is_near = f"timezone({zone}, {before}) <> {clock} - {_LONGEST_SHIFT}"
        found.append(
            f"{zoned} as zoned_{number},"
            f" case when {is_near} and {earlier} < {zoned}"
            f" and timezone({zone}, {earlier}) = {clock} then {earlier} end as earlier_{number},"
            f" timezone({zone}, {zoned}) <> {clock} as is_skipped_{number}"
        )
    return found


def _starts(source: UsageSource) -> list[str]:
    """Return SQL for each field of `started_at` as ISO text; what is no time stays as it is."""
    found = []
    for number, rule in enumerate(_rules(source, "started_at"), 1):
        said, clock, instant = f"said_{number}", f"clock_{number}", f"instant_{number}"
        whens = []
        if source.time_zone:
            zoned = f"zoned_{number}"
            if source.repeated_hour != "second":
                zoned = f"coalesce(earlier_{number}, {zoned})"
            reading = f"replace(cast({clock} as varchar), ' ', 'T')"
            if rule.form in ("", "iso"):
                reading = f"replace({said}, ' ', 'T')"
            text = f"{reading} || {_offset(clock, zoned, source.time_zone)}"
            whens.append(f"when {clock} is not null then {text}")
        if rule.form in ("", "iso"):
            text = f"replace(replace({said}, ' ', 'T'), 'z', 'Z')"
            # An offset of an hour alone, or without a colon.
            text = f"regexp_replace({text}, '([+-][0-9]{{2}}):?([0-9]{{2}})?$', '\\1:\\2')"
            text = f"regexp_replace({text}, '([+-][0-9]{{2}}):$', '\\1:00')"
            whens.append(f"when {instant} is not null then {text}")
        else:
            local = f"timezone({quote(source.time_zone or 'UTC')}, {instant})"
            reading = f"replace(cast({local} as varchar), ' ', 'T')"
            text = f"{reading} || {_offset(local, instant, source.time_zone)}"
            whens.append(f"when {instant} is not null then {text}")
        found.append(f"case {' '.join(whens)} else {said} end as start_{number}")
    return found


def _offset(clock: str, instant: str, zone: str) -> str:
    """Return SQL for the offset that a clock reading has at an instant, such as `+02:00`."""
    minutes = f"date_diff('minute', timezone('UTC', {instant}), {clock})"
    sign = f"case when {minutes} < 0 then '-' else '+' end"
    hours = f"lpad(cast(abs({minutes}) // 60 as varchar), 2, '0')"
    rest = f"lpad(cast(abs({minutes}) % 60 as varchar), 2, '0')"
    # Those that the zone has these days are at hand; building a text for each row takes long.
    whens = " ".join(
        f"when {offset} then '{'-' if offset < 0 else '+'}{abs(offset) // 60:02}"
        f":{abs(offset) % 60:02}'"
        for offset in _usual_offsets(zone)
    )
    return f"case {minutes} {whens} else {sign} || {hours} || ':' || {rest} end"


@cache
def _usual_offsets(zone: str) -> tuple[int, ...]:
    """Return the offsets in minutes that a zone has in the months of one year."""
    months = (datetime(2026, month, 1, tzinfo=ZoneInfo(zone or "UTC")) for month in range(1, 13))
    offsets = (month.utcoffset() or timedelta() for month in months)
    return tuple(dict.fromkeys(int(offset.total_seconds()) // 60 for offset in offsets))


# Faults


def _fault(source: UsageSource) -> str:
    """Return SQL for `rule: reason` of the first thing that the mapping cannot map, else null."""
    whens = []
    for field, rules in _value_rules(source).items():
        name = native_name(field)
        known = ", ".join(quote(rule.value) for rule in rules if rule.value != ANY_VALUE)
        if all(rule.value != ANY_VALUE for rule in rules):
            said = _says("unmapped_value", field, name, "of which the mapping says nothing")
            whens.append(f"when {name} is null or {name} not in ({known}) then {said}")
    for number, rule in enumerate(_rules(source, "started_at"), 1):
        said, clock = f"said_{number}", f"clock_{number}"
        form = rule.form or "iso"
        unread = _says("unreadable_time", rule.field, said, f"not a time as {form} has it")
        is_unread = f"{said} is not null and {clock} is null and instant_{number} is null"
        whens.append(f"when {is_unread} then {unread}")
        if source.time_zone:
            zone = source.time_zone
            why = f"the clock of {zone} was put forward over it"
            skipped = _says("skipped_local_time", rule.field, said, why)
            whens.append(f"when is_skipped_{number} then {skipped}")
            why = f"the clock of {zone} showed it twice"
            repeated = _says("repeated_local_time", rule.field, said, why)
            if source.repeated_hour == "reject":
                whens.append(f"when earlier_{number} is not null then {repeated}")
    return f"case {' '.join(whens)} end" if whens else "cast(null as varchar)"


def _says(rule: str, field: str, value: str, reason: str) -> str:
    return f"{quote(f'{rule}: {field} is ')} || {shown(value)} || {quote(f', {reason}')}"
