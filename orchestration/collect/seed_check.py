"""Checking the seeds before dbt reads them: one line per mistake, naming file, line and rule.

What a seed must be stands in its property file (`_*.yml`), under `config`: `column_types`, and
`meta` with `key`, `validity` (from, to: half-open, empty to = open), `no_gaps`, `required`,
`references` (column: seed.column), `wildcard` (columns that may hold `*`), `positive`,
`non_negative`, `allowed` (column: values it may have) and `row_id` (the column that names a row for
good: unique in the file). What looks at several seeds at once is a query in `seeds/checks/`.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from orchestration.collect.mapping_check import check_mapping
from orchestration.collect.seed_rules import FOLDER, ReadSeed, find_rules, run_rules
from orchestration.collect.sources import FIELDS, SOURCES, VALUES

_META_KEYS = {
    "key",
    "validity",
    "no_gaps",
    "references",
    "required",
    "positive",
    "non_negative",
    "wildcard",
    "allowed",
    "row_id",
}
_LONGEST_SHOWN = 60
_MOST_PROBLEMS_PER_RULE = 20
_MOST_TO_COMPARE = 1_000
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
_UNREADABLE = ("boolean", "column_count", "date", "decimal", "integer", "spaces")
# A rate or connection fee below zero would pay the caller; discounts have columns of their own.
_NEVER_NEGATIVE = re.compile(r"(^|_)(rate|rate_amount|connect_amount)$")
_INTEGER = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_DECIMAL = re.compile(r"-?([0-9]+)(?:\.([0-9]+))?", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_DECIMAL_TYPE = re.compile(r"(?:decimal|numeric)\s*\(\s*(\d+)\s*,\s*(\d+)\s*\)")


@dataclass(frozen=True)
class SeedProblem:
    """One mistake in a seed or in its property file; `str()` is the line that a person reads."""

    file: str
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.rule}: {self.message}"


@dataclass(frozen=True)
class SeedRules:
    """What a property file says about one seed."""

    name: str
    declared_in: str
    declared_line: int
    types: Mapping[str, str]
    key: tuple[str, ...] = ()
    validity: tuple[str, ...] = ()
    no_gaps: bool = False
    required: tuple[str, ...] = ()
    positive: tuple[str, ...] = ()
    non_negative: tuple[str, ...] = ()
    wildcard: tuple[str, ...] = ()
    row_id: str = ""
    references: Mapping[str, str] = field(default_factory=dict)
    allowed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass
class _Seed:
    """A seed as read: its columns by name and, for each record, the line that it begins on."""

    file: str
    lines: list[int] = field(default_factory=list)
    columns: dict[str, list[str]] = field(default_factory=dict)


def check_seeds(seeds_dir: Path) -> list[SeedProblem]:
    """Return every mistake in the seeds under `seeds_dir`, ordered by file and line.

    Of one rule in one file at most 20 are returned, and a line that says how many more there are.
    """
    problems: list[SeedProblem] = []
    rules = _read_rules(seeds_dir, problems)
    seeds: dict[str, _Seed] = {}
    for path in sorted(seeds_dir.rglob("*.csv")):
        name = _shown_path(seeds_dir, path)
        declared = rules.get(path.stem)
        if declared is None:
            message = "no property file beside it declares this seed"
            problems.append(SeedProblem(name, 1, "undeclared", message))
        elif path.stem in seeds:
            message = f"a second seed of this name beside {seeds[path.stem].file}"
            problems.append(SeedProblem(name, 1, "duplicate_seed", message))
        else:
            seeds[path.stem] = _read_seed(path, name, declared, problems)
    for name, declared in rules.items():
        if name not in seeds:
            message = f"seed '{name}' is declared but has no {name}.csv"
            problems.append(
                SeedProblem(declared.declared_in, declared.declared_line, "missing_file", message)
            )
            continue
        problems.extend(_check_seed(seeds[name], declared, seeds, rules))
    # What a cell that is no date, or a row that is cut, would bring about is no second mistake.
    unreadable = {one.file for one in problems if one.rule in _UNREADABLE}
    problems.extend(_check_rules(seeds_dir, seeds, rules, unreadable))
    problems.extend(_check_mapping(seeds_dir, seeds, rules))
    problems.sort(key=lambda problem: (problem.file, problem.line, problem.rule, problem.message))
    return _shorten(problems)


def check_usage_sources(seeds_dir: Path) -> list[SeedProblem]:
    """Return the mistakes in the seeds that say how native files become usage, and in no others.

    Collecting asks for these before each run, so it reads nothing else. Without the seeds there is
    no usage source.
    """
    policy = seeds_dir / "policy"
    if not any((policy / f"{name}.csv").is_file() for name in (SOURCES, FIELDS, VALUES)):
        return []
    problems: list[SeedProblem] = []
    rules = _read_rules(policy, problems)
    seeds: dict[str, _Seed] = {}
    for name in (SOURCES, FIELDS, VALUES):
        path = policy / f"{name}.csv"
        if name in rules:
            shown = _shown_path(seeds_dir, path)
            seeds[name] = _read_seed(path, shown, rules[name], problems)
        else:
            file = _shown_path(seeds_dir, path)
            message = "no property file beside it declares this seed"
            problems.append(SeedProblem(file, 1, "undeclared", message))
    for name, seed in seeds.items():
        problems.extend(_check_seed(seed, rules[name], seeds, rules))
    problems.extend(_check_mapping(seeds_dir, seeds, rules))
    return sorted(problems, key=lambda problem: (problem.file, problem.line, problem.rule))


def _check_seed(
    seed: _Seed,
    declared: SeedRules,
    seeds: Mapping[str, _Seed],
    rules: Mapping[str, SeedRules],
) -> Iterator[SeedProblem]:
    yield from _check_values(seed, declared)
    yield from _check_keys(seed, declared)
    yield from _check_row_ids(seed, declared)
    yield from _check_references(seed, declared, seeds, rules)


def _check_mapping(
    seeds_dir: Path, seeds: Mapping[str, _Seed], rules: Mapping[str, SeedRules]
) -> Iterator[SeedProblem]:
    """Yield what is wrong in how native files become usage."""
    read = {
        name: ReadSeed(seeds[name].lines, seeds[name].columns, rules[name].types)
        for name in (SOURCES, FIELDS, VALUES)
        if name in seeds
    }
    for found in check_mapping(read, seeds_dir):
        yield SeedProblem(seeds[found.seed].file, found.line, found.rule, found.message)


def read_seed_rules(seeds_dir: Path) -> dict[str, SeedRules]:
    """Return what the property files under `seeds_dir` say, by seed."""
    return _read_rules(seeds_dir, [])


def _shown_path(seeds_dir: Path, path: Path) -> str:
    shown = f"{seeds_dir.resolve().name}/{path.relative_to(seeds_dir).as_posix()}"
    return "".join(character if character.isprintable() else "?" for character in shown)


def _show(value: str) -> str:
    short = value if len(value) <= _LONGEST_SHOWN else value[:_LONGEST_SHOWN] + "…"
    return "'" + "".join(part if part.isprintable() else "?" for part in short) + "'"


def _shorten(problems: Sequence[SeedProblem]) -> list[SeedProblem]:
    """Return the first problems of each file and rule, and how many are left out."""
    counts: dict[tuple[str, str], int] = {}
    kept, last = [], {}
    for problem in problems:
        group = (problem.file, problem.rule)
        counts[group] = counts.get(group, 0) + 1
        last[group] = problem
        if counts[group] <= _MOST_PROBLEMS_PER_RULE:
            kept.append(problem)
    for group, problem in last.items():
        more = counts[group] - _MOST_PROBLEMS_PER_RULE
        if more > 0:
            message = f"and {more} more, up to this line"
            kept.append(SeedProblem(problem.file, problem.line, problem.rule, message))
    return sorted(kept, key=lambda problem: (problem.file, problem.line))


# Property files


def _read_rules(seeds_dir: Path, problems: list[SeedProblem]) -> dict[str, SeedRules]:
    """Return what the property files declare, by seed; mistakes in them go to `problems`."""
    rules: dict[str, SeedRules] = {}
    for path in sorted([*seeds_dir.rglob("_*.yml"), *seeds_dir.rglob("_*.yaml")]):
        file = _shown_path(seeds_dir, path)
        try:
            text = path.read_text("utf-8")
            content = yaml.safe_load(text)
        except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
            mark = getattr(error, "problem_mark", None)
            message = " ".join(str(getattr(error, "problem", None) or error).split())
            problems.append(SeedProblem(file, mark.line + 1 if mark else 1, "yaml", message))
            continue
        for entry in _list(_mapping(content).get("seeds")):
            declared = _rules_of(_mapping(entry), file, text, problems)
            if declared is None:
                continue
            if declared.name in rules:
                message = f"seed '{declared.name}' is also declared in "
                message += rules[declared.name].declared_in
                line = declared.declared_line
                problems.append(SeedProblem(file, line, "duplicate_seed", message))
            rules[declared.name] = declared
    return rules


def _line_of(name: str, text: str) -> int:
    """Return the line on which a property file names a seed."""
    found = re.search(rf"^[ -]*name:\s*['\"]?{re.escape(name)}['\"]?\s*$", text, re.MULTILINE)
    return text[: found.end()].count("\n") + 1 if found else 1


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _rules_of(
    entry: dict[str, Any], file: str, text: str, problems: list[SeedProblem]
) -> SeedRules | None:
    """Return the rules of one entry under `seeds:`; none if it has no name."""
    name = entry.get("name")
    if not isinstance(name, str):
        problems.append(SeedProblem(file, 1, "yaml", "an entry under seeds has no name"))
        return None
    line = _line_of(name, text)
    config = _mapping(entry.get("config"))
    meta = _mapping(config.get("meta"))
    types = {str(k): str(v).lower() for k, v in _mapping(config.get("column_types")).items()}
    references = {str(k): str(v) for k, v in _mapping(meta.get("references")).items()}
    allowed = {
        str(column): tuple(str(value) for value in _list(values))
        for column, values in _mapping(meta.get("allowed")).items()
    }
    row_id = str(meta.get("row_id") or "")
    lists = {
        key: tuple(str(column) for column in _list(meta.get(key)))
        for key in ("key", "validity", "required", "positive", "non_negative", "wildcard")
    }
    for key in sorted(str(key) for key in meta if key not in _META_KEYS):
        problems.append(SeedProblem(file, line, "yaml", f"{name}: unknown meta key '{key}'"))
    named = [
        *references,
        *allowed,
        *([row_id] if row_id else []),
        *(column for columns in lists.values() for column in columns),
    ]
    for column in sorted({column for column in named if column not in types}):
        message = f"{name}: column '{column}' is named in meta but has no column type"
        problems.append(SeedProblem(file, line, "yaml", message))
    if len(lists["validity"]) not in (0, 2):
        message = f"{name}: validity must name two columns"
        problems.append(SeedProblem(file, line, "yaml", message))
        lists["validity"] = ()
    return SeedRules(
        name=name,
        declared_in=file,
        declared_line=line,
        types=types,
        no_gaps=meta.get("no_gaps") is True,
        row_id=row_id,
        references=references,
        allowed=allowed,
        **lists,
    )


# Reading


def _read_seed(path: Path, file: str, rules: SeedRules, problems: list[SeedProblem]) -> _Seed:
    """Return a seed's columns; a file that cannot be read is empty, its problem noted."""
    seed = _Seed(file)
    try:
        content = path.read_bytes()
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        problems.append(SeedProblem(file, line, "not_utf8", "the line is not UTF-8"))
        return seed
    except OSError as error:
        problems.append(SeedProblem(file, 1, "unreadable", error.strerror or "cannot be read"))
        return seed
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        problems.append(SeedProblem(file, line, "structure", "the line contains a NUL"))
        return seed
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        header = next(reader, [])
        if not _check_header(header, file, rules, problems):
            return seed
        line = reader.line_num + 1
        columns: list[list[str]] = [[] for _ in header]
        for record in reader:
            if len(record) == len(header):
                seed.lines.append(line)
                for column, value in zip(columns, record, strict=True):
                    column.append(value)
            else:
                message = f"{len(record)} columns instead of {len(header)}"
                problems.append(SeedProblem(file, line, "column_count", message))
            line = reader.line_num + 1
    except csv.Error as error:
        problems.append(SeedProblem(file, line, "structure", f"not CSV: {error}"))
        return seed
    seed.columns = dict(zip(header, columns, strict=True))
    return seed


def _check_header(
    header: list[str], file: str, rules: SeedRules, problems: list[SeedProblem]
) -> bool:
    """Note what is wrong with a header; return whether the columns can be told by it."""
    messages = []
    separators = {mark: name for mark, name in _SEPARATORS.items() if mark in "".join(header)}
    if len(header) == 1 < len(rules.types) and separators:
        message = f"the columns are separated by {', '.join(separators.values())} instead of commas"
        problems.append(SeedProblem(file, 1, "header", message))
        return False
    if not header:
        messages.append("the file has no header")
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated:
        messages.append("twice: " + ", ".join(_show(name) for name in repeated))
    missing = [name for name in rules.types if name not in header]
    extra = [name for name in header if name not in rules.types]
    if header and missing:
        messages.append("missing: " + ", ".join(_show(name) for name in missing))
    if extra:
        messages.append("not declared: " + ", ".join(_show(name) for name in extra))
    problems.extend(SeedProblem(file, 1, "header", message) for message in messages)
    return bool(header) and not repeated


# Values

_Check = Callable[[str], tuple[str, str] | None]


def _check_values(seed: _Seed, rules: SeedRules) -> Iterator[SeedProblem]:
    """Yield the values that are empty, of the wrong type or outside their range."""
    for column, values in seed.columns.items():
        kind = rules.types.get(column)
        if kind is None:
            continue
        check = _type_check(kind)
        if column in rules.allowed:
            check = _allowed_check(rules.allowed[column])
        is_required = column in rules.required
        is_wildcard = column in rules.wildcard
        sign = _sign_rule(column, kind, rules)
        verdicts: dict[str, tuple[str, str] | None] = {}
        for line, value in zip(seed.lines, values, strict=True):
            if value not in verdicts:
                verdicts[value] = _judge(value, check, sign, is_required, is_wildcard)
            verdict = verdicts[value]
            if verdict is not None:
                rule, message = verdict
                yield SeedProblem(seed.file, line, rule, f"{column} {message}")


def _judge(
    value: str, check: _Check, sign: str, is_required: bool, is_wildcard: bool
) -> tuple[str, str] | None:
    if not value:
        return ("required", "is empty") if is_required else None
    if is_wildcard and value == "*":
        return None
    if value != value.strip():
        return "spaces", f"{_show(value)} has spaces around it"
    problem = check(value)
    if problem is None and sign:
        number = Decimal(value)
        if sign == "positive" and number <= 0:
            return "positive", f"is {value}, must be above 0"
        if number < 0:
            return "negative", f"is {value}, must not be negative"
    return problem


def _sign_rule(column: str, kind: str, rules: SeedRules) -> str:
    if not kind.startswith(("decimal", "numeric", "int", "bigint", "smallint")):
        return ""
    if column in rules.positive:
        return "positive"
    never = column in rules.non_negative or _NEVER_NEGATIVE.search(column)
    return "non_negative" if never else ""


def _type_check(kind: str) -> _Check:
    """Return the check of a value of one column type: (rule, message) if it is wrong."""
    decimal_type = _DECIMAL_TYPE.fullmatch(kind)
    if decimal_type:
        return _decimal_check(int(decimal_type[1]), int(decimal_type[2]))
    if kind in ("decimal", "numeric"):
        return _decimal_check(18, 3)
    if kind in ("integer", "int", "bigint", "smallint"):
        return _check_integer
    if kind == "date":
        return _check_date
    if kind in ("boolean", "bool"):
        return _check_boolean
    return lambda _value: None


def _decimal_check(precision: int, scale: int) -> _Check:
    def check(value: str) -> tuple[str, str] | None:
        found = _DECIMAL.fullmatch(value)
        if not found:
            return "decimal", f"{_show(value)} is not a number like 0.17"
        if len(found[2] or "") > scale:
            return "decimal", f"{_show(value)} has more than {scale} decimals"
        if len(found[1].lstrip("0")) > precision - scale:
            return "decimal", f"{_show(value)} has too many digits"
        return None

    return check


def _check_integer(value: str) -> tuple[str, str] | None:
    if _INTEGER.fullmatch(value):
        return None
    return "integer", f"{_show(value)} is not a whole number"


def _check_date(value: str) -> tuple[str, str] | None:
    return None if _parse_date(value) else ("date", f"{_show(value)} is not a date like 2026-10-01")


def _allowed_check(allowed: Sequence[str]) -> _Check:
    def check(value: str) -> tuple[str, str] | None:
        if value in allowed:
            return None
        return "allowed", f"{_show(value)} is none of {', '.join(allowed)}"

    return check


def _check_boolean(value: str) -> tuple[str, str] | None:
    return (
        None if value in ("true", "false") else ("boolean", f"{_show(value)} is not true or false")
    )


def _parse_date(value: str) -> date | None:
    if not _DATE.fullmatch(value):
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


# Keys, validity and references


def _check_keys(seed: _Seed, rules: SeedRules) -> Iterator[SeedProblem]:
    """Yield repeated keys; with validity, rows of one key that overlap or leave a gap."""
    if any(name not in seed.columns for name in (*rules.key, *rules.validity)):
        return
    rows: dict[tuple[str, ...], list[int]] = {}
    key_columns = [seed.columns[name] for name in rules.key]
    keys = zip(*key_columns, strict=True) if key_columns else [()] * len(seed.lines)
    for index, key in enumerate(keys):
        rows.setdefault(key, []).append(index)
    if rules.validity:
        yield from _check_validity(seed, rules, rows)
    elif rules.key:
        for key, indexes in rows.items():
            for index in indexes[1:]:
                message = (
                    f"{_describe_key(rules, key)} stands also on line {seed.lines[indexes[0]]}"
                )
                yield SeedProblem(seed.file, seed.lines[index], "duplicate_key", message)


def _check_row_ids(seed: _Seed, rules: SeedRules) -> Iterator[SeedProblem]:
    """Yield rows whose name another row has: invoices and explanations name rows by it."""
    if rules.row_id not in seed.columns:
        return
    first: dict[str, int] = {}
    for line, value in zip(seed.lines, seed.columns[rules.row_id], strict=True):
        if first.setdefault(value, line) != line:
            message = f"{rules.row_id} {_show(value)} stands also on line {first[value]}"
            yield SeedProblem(seed.file, line, "duplicate_id", message)


def _describe_key(rules: SeedRules, key: tuple[str, ...]) -> str:
    pairs = zip(rules.key, key, strict=True)
    return ", ".join(f"{name} {_show(value)}" for name, value in pairs) or "the row"


def _check_validity(
    seed: _Seed, rules: SeedRules, rows: Mapping[tuple[str, ...], list[int]]
) -> Iterator[SeedProblem]:
    from_name, to_name = rules.validity
    starts = [_parse_date(value) for value in seed.columns[from_name]]
    # An empty end is open; an end that is no date was reported already and counts as none here.
    ends = [_parse_date(value) or date.max for value in seed.columns[to_name]]
    for key, indexes in rows.items():
        spans = []
        for index in indexes:
            start = starts[index]
            if start is None:
                continue
            if ends[index] <= start:
                message = f"{to_name} {ends[index]} is not after {from_name} {start}"
                yield SeedProblem(seed.file, seed.lines[index], "empty_validity", message)
            else:
                spans.append((start, ends[index], seed.lines[index]))
        yield from _check_spans(seed.file, rules, _describe_key(rules, key), sorted(spans))


def _check_spans(
    file: str, rules: SeedRules, key: str, spans: Sequence[tuple[date, date, int]]
) -> Iterator[SeedProblem]:
    """Yield overlaps and, where forbidden, gaps between one key's spans, ordered by start."""
    if not spans:
        return
    _, latest_end, latest_line = spans[0]
    for start, end, line in spans[1:]:
        if start < latest_end:
            message = f"{key}: valid from {start}, while line {latest_line} is valid "
            message += "without end" if latest_end == date.max else f"until {latest_end}"
            yield SeedProblem(file, line, "overlap", message)
        elif start > latest_end and rules.no_gaps:
            message = f"{key}: nothing is valid from {latest_end} (line {latest_line}) to {start}"
            yield SeedProblem(file, line, "gap", message)
        if end > latest_end:
            latest_end, latest_line = end, line


def _check_references(
    seed: _Seed, rules: SeedRules, seeds: Mapping[str, _Seed], all_rules: Mapping[str, SeedRules]
) -> Iterator[SeedProblem]:
    """Yield values that the seed they point to does not have."""
    for column, target in rules.references.items():
        target_name, _, target_column = target.partition(".")
        declared = all_rules.get(target_name)
        if declared is None or target_column not in declared.types:
            message = f"{rules.name}: {column} refers to '{target}', which is no seed's column"
            yield SeedProblem(rules.declared_in, rules.declared_line, "yaml", message)
            continue
        known = seeds[target_name].columns.get(target_column) if target_name in seeds else None
        if known is None or column not in seed.columns:
            continue  # that seed or column is missing or unreadable, which is reported by itself
        allowed = {"", *known, *(("*",) if column in rules.wildcard else ())}
        for line, value in zip(seed.lines, seed.columns[column], strict=True):
            if value not in allowed:
                message = f"{column} {_show(value)} is not in {target}{_nearest(value, known)}"
                yield SeedProblem(seed.file, line, "orphan", message)


def _nearest(value: str, known: Sequence[str]) -> str:
    """Return which known values look like a wrong one, for the end of a message."""
    if len(known) > _MOST_TO_COMPARE:
        return ""
    near = get_close_matches(value, sorted(set(known)), n=3, cutoff=0.5)
    return f"; near it: {', '.join(near)}" if near else ""


# Rules over several seeds


def _check_rules(
    seeds_dir: Path,
    seeds: Mapping[str, _Seed],
    rules: Mapping[str, SeedRules],
    unreadable: Collection[str],
) -> Iterator[SeedProblem]:
    """Yield what the queries in `seeds/checks/` find."""
    read = {
        name: ReadSeed(seed.lines, seed.columns, rules[name].types, seed.file not in unreadable)
        for name, seed in seeds.items()
    }
    for found in run_rules(find_rules(seeds_dir), read):
        if found.seed is None:
            file = _shown_path(seeds_dir, seeds_dir / FOLDER / f"{found.rule}.sql")
            yield SeedProblem(file, found.line, "rule", found.message)
        else:
            file = seeds[found.seed].file
            yield SeedProblem(file, found.line, found.rule, found.message)
