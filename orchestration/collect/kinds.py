"""What a value in an inbox column may look like, and what is said when it does not."""

from __future__ import annotations

from dataclasses import dataclass

# Spaces, controls and invisible marks. Not \p{Z}\p{C}: slow to compile for each file.
_UNSEEN = (
    r"\x00-\x20\x7f-\xa0\x{1680}\x{2000}-\x{200f}\x{2028}-\x{202f}\x{205f}-\x{206f}\x{3000}\x{feff}"
)
_CONTROL = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"


@dataclass(frozen=True)
class Fault:
    """One way in which a value can be wrong: the rule's first word, when, and what is said.

    `when` is SQL over the text `{v}`; `reason` is said after the column's name, `{v}` shows the
    value. The last fault of a kind has `when` "true": it takes what no other explained.
    """

    problem: str
    when: str
    reason: str


@dataclass(frozen=True)
class Kind:
    """A kind of value: its landed type, how it is told and parsed, and its faults.

    `accepts` and `parse` are SQL over the text `{v}`. `accepts` may be null for a value that is
    not accepted; what `parse` gives is cast with `try_cast`, so that it never fails.
    """

    description: str
    sql_type: str
    accepts: str
    faults: tuple[Fault, ...]
    parse: str = "{v}"


def quote(text: str) -> str:
    """Return `text` as an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def _matches(expression: str) -> str:
    return f"regexp_full_match({{v}}, {quote(expression)})"


_SPACED = Fault("invalid", _matches(r"(?s)(\s.*|.*\s)"), "is {v}: spaces around it")
_PLUS = Fault("invalid", "starts_with({v}, '+')", "is {v}: no + sign allowed")


def text(longest: int = 500) -> Kind:
    """Return free text for people, line breaks allowed, other control characters not."""
    return Kind(
        f"text, at most {longest} characters",
        "varchar",
        f"length({{v}}) <= {longest} and not regexp_matches({{v}}, {quote(_CONTROL)})",
        (
            Fault("too_long", f"length({{v}}) > {longest}", f"is longer than {longest} characters"),
            Fault("invalid", "true", "contains a control character"),
        ),
    )


def pattern(description: str, expression: str) -> Kind:
    """Return text of one form, told by a regular expression that must match it all."""
    return Kind(
        description,
        "varchar",
        _matches(expression),
        (_SPACED, Fault("invalid", "true", f"is {{v}}, not {description}")),
    )


def digits(description: str, expression: str) -> Kind:
    """Return a number that nobody calculates with, such as a telephone number, kept as text."""
    return Kind(
        description,
        "varchar",
        _matches(expression),
        (_SPACED, _PLUS, Fault("invalid", "true", f"is {{v}}, not {description}")),
    )


def one_of(*values: str) -> Kind:
    """Return one of a few fixed words, lower or upper case as declared."""
    words = ", ".join(quote(value) for value in values)
    listed = ", ".join(values)
    return Kind(
        "one of " + ", ".join(f"`{value}`" for value in values),
        "varchar",
        f"{{v}} in ({words})",
        (Fault("unknown", "true", f"is {{v}}, not one of {listed}"),),
    )


def _number_faults(negative_too: bool, example: str, noun: str) -> tuple[Fault, ...]:
    negative = Fault("negative", _matches(r"-[0-9]+(\.[0-9]+)?"), "is {v}")
    return (
        _SPACED,
        _PLUS,
        *(() if negative_too else (negative,)),
        Fault("invalid", "contains({v}, ',')", f"is {{v}}: a comma; write it like {example}"),
        Fault("invalid", _matches("(?i)[-0-9.]+e[-+]?[0-9]+"), "is {v}: no exponent allowed"),
        Fault("out_of_range", _matches(r"-?[0-9]+(\.[0-9]*)?"), "is {v}: too many digits"),
        Fault("invalid", "true", f"is {{v}}, not {noun} like {example}"),
    )


def decimal(above_zero: bool = False, decimals: int = 4, digits: int = 18) -> Kind:
    """Return an exact number with at most `digits` digits, `decimals` of them after the point."""
    whole, sql_type = digits - decimals, f"decimal({digits},{decimals})"
    number = _matches(rf"-?[0-9]{{1,{whole}}}(\.[0-9]{{1,{decimals}}})?")
    zero = Fault("zero", _matches(r"-?0+(\.0*)?"), "is {v}, must be above zero")
    positive = f" and try_cast({{v}} as {sql_type}) > 0"
    at_most = f"at most {decimals} decimals"
    return Kind(
        f"decimal above zero, {at_most}" if above_zero else f"decimal, {at_most}",
        sql_type,
        number + (positive if above_zero else ""),
        (*((zero,) if above_zero else ()), *_number_faults(not above_zero, "12.50", "a number")),
    )


CODE = pattern(
    "a code of 1 to 100 characters without spaces",
    f"[^{_UNSEEN}]{{1,100}}",
)
CHARGE_ID = pattern(
    "the id of a charge, as the marts have it, up to 400 characters", f"[^{_UNSEEN}]{{1,400}}"
)
TEXT = text()
EMAIL = pattern(
    "an e-mail address", f'[^{_UNSEEN}@,;<>"]{{1,64}}@[^{_UNSEEN}@,;<>"]+[.][^{_UNSEEN}@,;<>".]+'
)
CURRENCY = pattern("a currency code of three capital letters", "[A-Z]{3}")
COUNTRY = pattern("an ISO 3166 country code of two capital letters", "[A-Z]{2}")
LANGUAGE = pattern("a language code like de or de-DE", "[a-z]{2}(-[A-Z]{2})?")
MSISDN = digits("an E.164 number in digits without +", "[1-9][0-9]{6,14}")
IMSI = digits("an IMSI of 6 to 15 digits", "[0-9]{6,15}")
DIALLED = digits("a called number in digits without +", "[0-9]{2,15}")
NETWORK = digits("an MCC and MNC of 5 or 6 digits", "[2-7][0-9]{4,5}")
AMOUNT = decimal()
POSITIVE_AMOUNT = decimal(above_zero=True)
RATE = decimal(decimals=6)
MEASURED = decimal(decimals=6, digits=28)

TIME_ZONE = Kind(
    "a time zone like Europe/Berlin",
    "varchar",
    "{v} in (select name from pg_timezone_names() where contains(name, '/') or name = 'UTC')",
    (Fault("unknown", "true", "is {v}, not a time zone like Europe/Berlin"),),
)
COUNT = Kind(
    "whole number, 0 or more",
    "bigint",
    _matches("[0-9]{1,15}"),
    _number_faults(False, "60", "a whole number"),
)
SIGNED_COUNT = Kind(
    "whole number",
    "bigint",
    _matches("-?[0-9]{1,15}"),
    _number_faults(True, "60", "a whole number"),
)
BOOLEAN = Kind(
    "`true` or `false`",
    "boolean",
    "{v} in ('true', 'false')",
    (Fault("invalid", "true", "is {v}, not true or false"),),
)
_DAY = "-[0-9]{2}-[0-9]{2}"
_ANY_DAY = "[0-9]{4}" + _DAY
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?"
_OFFSET = "(?:Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])"
DATE = Kind(
    "date like 2026-10-01, 1900 to 2100",
    "date",
    _matches("(?:19|20|21)[0-9]{2}" + _DAY)
    + " and try_cast({v} as date) is not null and {v} < '2101'",
    (
        _SPACED,
        Fault("impossible", _matches(_ANY_DAY) + " and try_cast({v} as date) is null", "is {v}"),
        Fault("out_of_range", _matches(_ANY_DAY), "is {v}: the year must be 1900 to 2100"),
        Fault("invalid", "true", "is {v}, not a date like 2026-10-01"),
    ),
)
# The session's time zone is UTC: the cast then applies the offset that the pattern demands.
INSTANT = Kind(
    "instant like 2026-10-03T09:12:06+02:00 or with Z, 2000 to 2100",
    "timestamp",
    _matches("2[01][0-9]{2}" + _DAY + "T" + _CLOCK + _OFFSET)
    + " and try_cast({v} as timestamptz) is not null and {v} < '2101'",
    (
        _SPACED,
        Fault("no_offset", _matches(_ANY_DAY + "[T ]" + _CLOCK), "is {v}: no UTC offset or Z"),
        Fault(
            "out_of_range",
            _matches(_ANY_DAY + "T" + _CLOCK + _OFFSET) + " and ({v} < '2000' or {v} >= '2101')",
            "is {v}: the year must be 2000 to 2100",
        ),
        Fault("impossible", _matches("[0-9-]{10}T[0-9:.]{8,15}(?:Z|[+-][0-9:]{5})"), "is {v}"),
        Fault("invalid", "true", "is {v}, not an instant like 2026-10-03T09:12:06+02:00"),
    ),
    parse="try_cast({v} as timestamptz)",
)
OFFSET_MINUTES = (
    "case when ends_with({v}, 'Z') then 0 else"
    " (case when {v}[-6] = '-' then -1 else 1 end)"
    " * (try_cast({v}[-5:-4] as integer) * 60 + try_cast({v}[-2:] as integer)) end"
)
