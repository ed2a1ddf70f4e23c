"""The SQL that decodes one file's records: which are accepted, and why the others are not."""

from __future__ import annotations

import re
from pathlib import Path

from orchestration.collect.entities import Column, Entity
from orchestration.collect.kinds import OFFSET_MINUTES, Fault, quote

LONGEST_RAW = 2_000
_LONGEST_SHOWN = 80
_UNPRINTABLE = r"[\x00-\x1f\x7f-\x9f\x{2028}-\x{202e}\x{2066}-\x{2069}]"


def quote_name(name: str) -> str:
    """Return `name` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def plain_source(path: Path, entity: Entity) -> str:
    """Return SQL for a file in which every line is one record and no field is quoted."""
    return (
        "(select row_number() over () as record_number, record_number + 1 as line_number,"
        f" {_names(entity)} from {read_csv(path, entity.header, has_header=True)})"
    )


def split_source(path: Path, entity: Entity) -> str:
    """Return SQL for the sound records of a file that `split_records` has taken apart."""
    columns = ("record_number", "line_number", *entity.header)
    return (
        "(select cast(record_number as bigint) as record_number,"
        f" cast(line_number as bigint) as line_number, {_names(entity)}"
        f" from {read_csv(path, columns, has_header=False)})"
    )


def _names(entity: Entity) -> str:
    """Return SQL for every column of an entity as text, those that the file lacks as empty."""
    names = [
        quote_name(column.name)
        if column.name in entity.header
        else f"cast(null as varchar) as {quote_name(column.name)}"
        for column in entity.columns
    ]
    return ", ".join(names)


def read_csv(path: Path, columns: tuple[str, ...], has_header: bool, delimiter: str = ",") -> str:
    """Return SQL for a file's records, every column as text."""
    types = ", ".join(f"{quote(name)}: 'varchar'" for name in columns)
    # A split file may hold quoted line breaks: a parallel scan and the guess at the file's own
    # line break (the first one seen, even inside quotes) would both be misled by them.
    options = "" if has_header else "parallel=false, new_line='\\n', "
    return (
        f"read_csv({quote(str(path))}, auto_detect=false, header={str(has_header).lower()},"
        f" delim={quote(delimiter)}, quote='\"', escape='\"', nullstr='',"
        f" {options}columns={{{types}}})"
    )


def accepted_records(entity: Entity, file_id: str, source: str) -> str:
    """Return the query of the accepted records, typed, in the columns of the landing table."""
    columns = [f"{quote(file_id)} as file_id", "record_number"]
    if entity.is_event:
        columns.append(f"md5(concat_ws('|', {', '.join(_texts(entity))})) as event_id")
    for column in entity.columns:
        columns.append(f"{_typed(column)} as {quote_name(column.name)}")
        if column.offset_column:
            minutes = OFFSET_MINUTES.replace("{v}", quote_name(column.name))
            columns.append(f"{minutes} as {quote_name(column.offset_column)}")
    return f"select {', '.join(columns)} from {source} as source where {is_accepted(entity)}"


def _texts(entity: Entity) -> list[str]:
    """Return SQL for what tells events apart; an empty extension adds nothing, like none.

    D-028: of the typed values, so that another spelling of an instant is the same event.
    """
    return [
        f"{quote(column.name + '=')} || cast({_typed(column)} as varchar)"
        if column.is_extension
        else f"coalesce(cast({_typed(column)} as varchar), '')"
        for column in entity.columns
    ]


def rejected_records(entity: Entity, file_id: str, source: str) -> str:
    """Return the query of the rejected records, each with the first rule that it breaks."""
    number, found = _first_fault(entity)
    rules = ", ".join(quote(rule) for rule, _ in found)
    reasons = " ".join(f"when {index} then {reason}" for index, (_, reason) in enumerate(found, 1))
    faulty = f"select *, {number} as fault from {source} as source where not {is_accepted(entity)}"
    return (
        f"select {quote(file_id)} as file_id, record_number, line_number,"
        f" [{rules}][fault] as rule, case fault {reasons} end as reason, {_raw(entity)} as raw,"
        f" cast(null as blob) as raw_bytes from ({faulty}) as faulty"
    )


def broken_records(path: Path, file_id: str) -> str:
    """Return the query of the records that `split_records` could not take apart."""
    columns = ("record_number", "line_number", "rule", "reason", "raw")
    return (
        f"select {quote(file_id)} as file_id, cast(record_number as bigint) as record_number,"
        " cast(line_number as bigint) as line_number, rule, reason, coalesce(raw, '') as raw,"
        " cast(null as blob) as raw_bytes"
        f" from {read_csv(path, columns, has_header=False)}"
    )


def _typed(column: Column) -> str:
    parsed = column.kind.parse.replace("{v}", quote_name(column.name))
    if column.kind.sql_type == "varchar":
        return parsed
    return f"try_cast({parsed} as {column.kind.sql_type})"


def is_accepted(entity: Entity) -> str:
    """Return SQL for whether a record of texts keeps every rule of its entity."""
    conditions = []
    for column in entity.columns:
        name = quote_name(column.name)
        accepts = column.kind.accepts.replace("{v}", name)
        or_empty = "" if column.is_required else f"{name} is null or "
        conditions.append(f"({or_empty}coalesce({accepts}, false))")
    for rule in entity.rules:
        broken = _fill(entity, rule.broken_when)
        conditions.append(f"not coalesce({broken}, false)")
    return f"({' and '.join(conditions)})"


def _first_fault(entity: Entity) -> tuple[str, list[tuple[str, str]]]:
    """Return SQL for the number of a record's first fault, and (rule, reason as SQL) by number."""
    found: list[tuple[str, str]] = []
    branches = []
    for column in entity.columns:
        name = quote_name(column.name)
        if column.is_required:
            found.append((f"missing_{column.subject}", quote(f"{column.name} is empty")))
            branches.append(f"when {name} is null then {len(found)}")
        inner = []
        for fault in column.kind.faults:
            found.append((f"{fault.problem}_{column.subject}", _said(column, fault)))
            inner.append(f"when {fault.when.replace('{v}', name)} then {len(found)}")
        accepts = column.kind.accepts.replace("{v}", name)
        refused = f"{name} is not null and not coalesce({accepts}, false)"
        branches.append(f"when {refused} then case {' '.join(inner)} end")
    for rule in entity.rules:
        found.append((rule.rule, _sentence(rule.reason)))
        branches.append(f"when {_fill(entity, rule.broken_when)} then {len(found)}")
    return f"case {' '.join(branches)} end", found


def _fill(entity: Entity, expression: str) -> str:
    """Return a rule's SQL with each `{column}` replaced by that column's typed expression."""
    for column in entity.columns:
        expression = expression.replace("{" + column.name + "}", f"({_typed(column)})")
    return expression


def _said(column: Column, fault: Fault) -> str:
    return _sentence(f"{column.name} {fault.reason}".replace("{v}", "{" + column.name + "}"))


def _sentence(template: str) -> str:
    """Return SQL for a sentence in which each `{column}` shows that column's text on one line."""
    parts = re.split(r"\{(\w+)\}", template)
    pieces = [_shown_column(part) if index % 2 else quote(part) for index, part in enumerate(parts)]
    return " || ".join(piece for piece in pieces if piece != "''")


def _shown_column(name: str) -> str:
    return shown(quote_name(name))


def shown(column: str) -> str:
    """Return SQL for a text as a person reads it: plain if it is a word, else in quotes."""
    short = (
        f"case when length({column}) > {_LONGEST_SHOWN}"
        f" then left({column}, {_LONGEST_SHOWN}) || '…' else {column} end"
    )
    clean = f"regexp_replace({short}, {quote(_UNPRINTABLE)}, '?', 'g')"
    plain = f"regexp_full_match({column}, '[-+.:0-9A-Za-z]{{1,{_LONGEST_SHOWN}}}')"
    return f"coalesce(case when {plain} then {column} else '''' || {clean} || '''' end, 'empty')"


def _raw(entity: Entity) -> str:
    """Return SQL for a record as CSV, a field quoted only where it must be, cut when very long."""
    fields = []
    for name in entity.header:
        column = quote_name(name)
        quoted = f"'\"' || replace({column}, '\"', '\"\"') || '\"'"
        needs = f"regexp_matches({column}, '[\",\\r\\n]')"
        fields.append(f"coalesce(case when {needs} then {quoted} else {column} end, '')")
    return f"left({' || chr(44) || '.join(fields)}, {LONGEST_RAW})"
