"""The seeds are checked line by line: each mistake is one line naming file, line and rule."""

# ruff: noqa: E501 - a table of cases reads best with one case to a line

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from orchestration.collect.seed_check import check_seeds

PROPERTIES = """
seeds:
  - name: zones
    config:
      column_types: {zone_id: string, label: string}
      meta: {key: [zone_id], required: [zone_id]}
  - name: rates
    config:
      column_types:
        rate_id: string
        zone_id: string
        rate_amount: decimal(18,6)
        increment: integer
        is_active: boolean
        valid_from: date
        valid_to: date
      meta:
        key: [zone_id]
        validity: [valid_from, valid_to]
        no_gaps: true
        required: [rate_id, zone_id, rate_amount, valid_from]
        references: {zone_id: zones.zone_id}
        wildcard: [zone_id]
        positive: [increment]
"""
HEADER = "rate_id,zone_id,rate_amount,increment,is_active,valid_from,valid_to"
GOOD = "R1,national,0.17,6,true,2026-01-01,"


def make(folder: Path, *rates: str, header: str = HEADER, properties: str = PROPERTIES) -> Path:
    seeds = folder / "seeds"
    (seeds / "tariff").mkdir(parents=True, exist_ok=True)
    (seeds / "tariff" / "_tariff__seeds.yml").write_text(properties)
    (seeds / "tariff" / "zones.csv").write_text("zone_id,label\nnational,Germany\nroaming,\n")
    content = "".join(f"{line}\n" for line in (header, *rates))
    (seeds / "tariff" / "rates.csv").write_text(content)
    return seeds


def found(seeds: Path) -> list[str]:
    return [str(problem) for problem in check_seeds(seeds)]


@pytest.mark.parametrize(
    "rates",
    [
        [GOOD],
        [GOOD, "R2,*,0,,,2026-01-01,2026-02-01"],
        ["R1,national,0.17,6,true,2026-01-01,2026-02-01", "R2,national,0.18,6,,2026-02-01,"],
        ["R2,national,0.18,6,,2026-02-01,", "R1,national,0.17,6,true,2026-01-01,2026-02-01"],
        ['"R1",national,"0.17",6,false,2026-01-01,'],
        [],
    ],
)
def test_sound_seeds_have_no_problem(tmp_path: Path, rates: list[str]) -> None:
    assert found(make(tmp_path, *rates)) == []


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        ('R1,national,"0,17",6,true,2026-01-01,', "decimal: rate_amount '0,17' is not a number like 0.17"),
        ("R1,national,1e3,6,true,2026-01-01,", "decimal: rate_amount '1e3' is not a number like 0.17"),
        ("R1,national,+1,6,true,2026-01-01,", "decimal: rate_amount '+1' is not a number like 0.17"),
        ("R1,national,0.1234567,6,true,2026-01-01,", "decimal: rate_amount '0.1234567' has more than 6 decimals"),
        ("R1,national,1234567890123,6,true,2026-01-01,", "decimal: rate_amount '1234567890123' has too many digits"),
        ("R1,national, 0.17,6,true,2026-01-01,", "spaces: rate_amount ' 0.17' has spaces around it"),
        ("R1,national,-0.17,6,true,2026-01-01,", "negative: rate_amount is -0.17, must not be negative"),
        ("R1,national,,6,true,2026-01-01,", "required: rate_amount is empty"),
        ("R1,national,0.17,0,true,2026-01-01,", "positive: increment is 0, must be above 0"),
        ("R1,national,0.17,six,true,2026-01-01,", "integer: increment 'six' is not a whole number"),
        ("R1,national,0.17,6.0,true,2026-01-01,", "integer: increment '6.0' is not a whole number"),
        ("R1,national,0.17,6,yes,2026-01-01,", "boolean: is_active 'yes' is not true or false"),
        ("R1,national,0.17,6,true,01.01.2026,", "date: valid_from '01.01.2026' is not a date like 2026-10-01"),
        ("R1,national,0.17,6,true,2026-02-30,", "date: valid_from '2026-02-30' is not a date like 2026-10-01"),
        ("R1,national,0.17,6,true,2026-01-01,2026-01-01", "empty_validity: valid_to 2026-01-01 is not after valid_from 2026-01-01"),
        ("R1,moon,0.17,6,true,2026-01-01,", "orphan: zone_id 'moon' is not in zones.zone_id"),
        ("R1,national,0.17,6,true", "column_count: 5 columns instead of 7"),
        ("R1,national,0.17,6,true,2026-01-01,,", "column_count: 8 columns instead of 7"),
        ("", "column_count: 0 columns instead of 7"),
        ('R1,"nat"x,0.17,6,true,2026-01-01,', "structure: not CSV: ',' expected after '\"'"),
        ("R1,na\0tional,0.17,6,true,2026-01-01,", "structure: the line contains a NUL"),
    ],
)  # fmt: skip
def test_a_mistake_names_file_line_and_rule(tmp_path: Path, bad: str, expected: str) -> None:
    good = "R0,roaming,0.17,6,true,2026-01-01,"
    assert found(make(tmp_path, good, bad)) == [f"seeds/tariff/rates.csv:3: {expected}"]


def test_overlaps_and_gaps_name_both_lines(tmp_path: Path) -> None:
    seeds = make(
        tmp_path,
        "R1,national,0.17,6,,2026-01-01,2026-03-01",  # 2
        "R2,national,0.17,6,,2026-02-01,",  # 3: overlaps line 2
        "R3,national,0.17,6,,2026-06-01,2026-07-01",  # 4: inside line 3
        "R4,roaming,0.17,6,,2026-01-01,2026-02-01",  # 5
        "R5,roaming,0.17,6,,2026-02-02,",  # 6: a day's gap
    )
    assert found(seeds) == [
        "seeds/tariff/rates.csv:3: overlap: zone_id 'national': valid from 2026-02-01,"
        " while line 2 is valid until 2026-03-01",
        "seeds/tariff/rates.csv:4: overlap: zone_id 'national': valid from 2026-06-01,"
        " while line 3 is valid without end",
        "seeds/tariff/rates.csv:6: gap: zone_id 'roaming': nothing is valid from 2026-02-01"
        " (line 5) to 2026-02-02",
    ]
    allowed = PROPERTIES.replace("no_gaps: true", "no_gaps: false")
    (seeds / "tariff" / "_tariff__seeds.yml").write_text(allowed)
    assert not any("gap" in line for line in found(seeds))


def test_a_key_without_validity_stands_once(tmp_path: Path) -> None:
    seeds = make(tmp_path, GOOD)
    (seeds / "tariff" / "zones.csv").write_text(
        "zone_id,label\nnational,a\nroaming,b\nnational,c\n"
    )
    assert found(seeds) == [
        "seeds/tariff/zones.csv:4: duplicate_key: zone_id 'national' stands also on line 2"
    ]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (HEADER.replace("increment", "step"), ["missing: 'increment'", "not declared: 'step'"]),
        (HEADER.replace("is_active", "increment"), ["missing: 'is_active'", "twice: 'increment'"]),
        (HEADER.replace(",", ";"), ["the columns are separated by semicolons instead of commas"]),
        ("", ["the file has no header"]),
    ],
)  # fmt: skip
def test_a_wrong_header_is_named(tmp_path: Path, header: str, expected: list[str]) -> None:
    lines = found(make(tmp_path, header=header))
    assert len(lines) == len(expected)
    for line, start in zip(lines, expected, strict=True):
        assert line.startswith(f"seeds/tariff/rates.csv:1: header: {start}")


def test_encoding_and_stray_files_are_named(tmp_path: Path) -> None:
    seeds = make(tmp_path)
    (seeds / "tariff" / "rates.csv").write_bytes(
        f"{HEADER}\n{GOOD}\nR2,M\u00fcnchen".encode("latin-1")
    )
    (seeds / "tariff" / "extra.csv").write_text("a\n1\n")
    (seeds / "tariff" / "folder.csv").mkdir()
    (seeds / "tariff" / "zones.csv").unlink()
    assert found(seeds) == [
        "seeds/tariff/_tariff__seeds.yml:3: missing_file: seed 'zones' is declared but has no zones.csv",
        "seeds/tariff/extra.csv:1: undeclared: no property file beside it declares this seed",
        "seeds/tariff/folder.csv:1: undeclared: no property file beside it declares this seed",
        "seeds/tariff/rates.csv:3: not_utf8: the line is not UTF-8",
    ]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("references: {zone_id: zones.zone_id}", "references: {zone_id: zones.id}"), "7: yaml: rates: zone_id refers to 'zones.id', which is no seed's column"),
        (("positive: [increment]", "positive: [step]"), "7: yaml: rates: column 'step' is named in meta but has no column type"),
        (("positive: [increment]", "positve: [increment]"), "7: yaml: rates: unknown meta key 'positve'"),
        (("validity: [valid_from, valid_to]", "validity: [valid_from]"), "7: yaml: rates: validity must name two columns"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_property_file_is_named(
    tmp_path: Path, change: tuple[str, str], expected: str
) -> None:
    lines = found(make(tmp_path, GOOD, properties=PROPERTIES.replace(*change)))
    assert f"seeds/tariff/_tariff__seeds.yml:{expected}" in lines


@pytest.mark.parametrize(
    "text", ["seeds: [", "- a", "", "seeds: 3", "seeds:\n - 1\n - {}", "\ta: 1", "seeds: [{name: x, config: 3}]"]
)  # fmt: skip
def test_a_broken_property_file_never_raises(tmp_path: Path, text: str) -> None:
    lines = found(make(tmp_path, properties=text))
    assert lines
    assert all(len(line.splitlines()) == 1 for line in lines)


def test_many_problems_of_one_rule_are_cut_short(tmp_path: Path) -> None:
    lines = found(make(tmp_path, *[f"R{n},x{n},1,1,,2026-01-01," for n in range(500)]))
    assert len(lines) == 21
    assert lines[-1] == "seeds/tariff/rates.csv:501: orphan: and 480 more, up to this line"


def test_two_hundred_thousand_prefixes_take_seconds(tmp_path: Path) -> None:
    seeds = make(tmp_path)
    (seeds / "tariff" / "zones.csv").write_text(
        "zone_id,label\n" + "".join(f"Z{n},Zone {n}\n" for n in range(500))
    )
    (seeds / "tariff" / "rates.csv").write_text(
        f"{HEADER}\n"
        + "".join(
            f"P{n},Z{n % 500},0.{n:06d},6,true,{2000 + n // 500}-01-01,{2001 + n // 500}-01-01\n"
            for n in range(200_000)
        )
    )
    start = time.process_time()
    assert found(seeds) == []
    assert time.process_time() - start < 10


@examples(max_examples=150, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 120), st.booleans())
def test_any_bytes_in_a_seed_are_one_line_each(piece: bytes, position: int, is_cut: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        seeds = make(Path(folder), GOOD)
        path = seeds / "tariff" / "rates.csv"
        content = path.read_bytes()
        path.write_bytes(content[:position] + piece + (b"" if is_cut else content[position:]))
        assert all(len(line.splitlines()) == 1 for line in found(seeds))


def test_the_seeds_of_the_house_are_sound() -> None:
    seeds = Path(__file__).parents[2] / "seeds"
    assert found(seeds) == []
