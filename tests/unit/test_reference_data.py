"""The reference seeds are what their sources say, and the prefixes agree with phonenumbers."""

from __future__ import annotations

import csv
import random
from functools import cache
from pathlib import Path

import phonenumbers
import pytest
from phonenumbers import PhoneNumber, PhoneNumberType

from orchestration.lib.holidays import STATES, easter_sunday
from orchestration.lib.number_patterns import NOTHING, derive, is_complete, parse
from orchestration.lib.reference_data import INTERNATIONAL, write_seeds

ROOT = Path(__file__).parents[2]
COMMITTED = ROOT / "seeds" / "reference"
SAMPLES = ROOT.parent / "shared" / "samples" / "reference"
FROM_PACKAGES = ("countries", "currencies", "destination_prefixes", "holidays")
FROM_SAMPLES = ("mobile_networks", "tax_rates")
TYPES = {
    "fixed": {PhoneNumberType.FIXED_LINE},
    "mobile": {PhoneNumberType.MOBILE},
    "premium_rate": {PhoneNumberType.PREMIUM_RATE},
    "shared_cost": {PhoneNumberType.SHARED_COST},
    "toll_free": {PhoneNumberType.TOLL_FREE},
}


def read_seed(name: str) -> list[dict[str, str]]:
    with (COMMITTED / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def prefixes() -> dict[str, tuple[str, str]]:
    rows = read_seed("destination_prefixes")
    return {row["prefix"]: (row["country_code"], row["number_type"]) for row in rows}


def longest_match(prefixes: dict[str, tuple[str, str]], number: PhoneNumber) -> tuple[str, str]:
    digits = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)[1:]
    found = [prefixes.get(digits[:length]) for length in range(8, 0, -1)]
    return next(label for label in found if label is not None)


@cache
def example_numbers() -> list[PhoneNumber]:
    kinds = [kind for kind in PhoneNumberType.values() if kind != PhoneNumberType.UNKNOWN]
    regions = [
        phonenumbers.example_number_for_type(region, kind)
        for region in sorted(phonenumbers.SUPPORTED_REGIONS)
        for kind in kinds
    ]
    networks = [
        phonenumbers.example_number_for_non_geo_entity(code)
        for code, names in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items()
        if names == (INTERNATIONAL,)
    ]
    return [
        number
        for number in [*regions, *networks]
        if number is not None and phonenumbers.is_valid_number(number)
    ]


def random_numbers(calling_codes: list[int], count: int) -> list[PhoneNumber]:
    """Return valid numbers of the calling codes, the same ones each time.

    A number is an example number whose last digits are changed.
    """
    chance = random.Random(20261101)  # noqa: S311
    codes = set(calling_codes)
    examples = [number for number in example_numbers() if number.country_code in codes]
    numbers: list[PhoneNumber] = []
    for _ in range(count * 3):
        example = chance.choice(examples)
        digits = phonenumbers.national_significant_number(example)
        kept = chance.randrange(len(digits))
        tail = "".join(chance.choice("0123456789") for _ in digits[kept:])
        text = f"+{example.country_code}{digits[:kept]}{tail}"
        number = phonenumbers.parse(text)
        if phonenumbers.is_valid_number(number):
            numbers.append(number)
    assert len(numbers) > count / 4
    return numbers


def test_committed_seeds_equal_what_the_command_makes(tmp_path: Path) -> None:
    write_seeds(tmp_path, None)
    for name in FROM_PACKAGES:
        made = (tmp_path / "reference" / f"{name}.csv").read_bytes()
        assert made == (COMMITTED / f"{name}.csv").read_bytes(), name


def test_committed_seeds_equal_what_the_sample_files_say(tmp_path: Path) -> None:
    if not SAMPLES.is_dir():
        pytest.skip("NOT RUN: the sample files mcc-mnc-list.json and vat_rates.csv are not here")
    write_seeds(tmp_path, SAMPLES)
    for name in FROM_SAMPLES:
        made = (tmp_path / "reference" / f"{name}.csv").read_bytes()
        assert made == (COMMITTED / f"{name}.csv").read_bytes(), name


def test_example_numbers_of_every_country_and_type_lead_to_their_country(
    prefixes: dict[str, tuple[str, str]],
) -> None:
    numbers = example_numbers()
    assert len(numbers) > 1000
    wrong = [
        (number, longest_match(prefixes, number))
        for number in numbers
        if longest_match(prefixes, number)[0] != phonenumbers.region_code_for_number(number)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "calling_code",
    [
        code
        for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items()
        if len(regions) > 1
    ],
)
def test_random_numbers_of_a_shared_calling_code_lead_to_their_country(
    prefixes: dict[str, tuple[str, str]], calling_code: int
) -> None:
    for number in random_numbers([calling_code], 300):
        if calling_code == 1 and len(phonenumbers.national_significant_number(number)) == 7:
            continue  # 310 xxxx is dialled within Canada only; with ten digits, 310 is Los Angeles.
        country_code, _ = longest_match(prefixes, number)
        assert country_code == phonenumbers.region_code_for_number(number), number


def test_every_area_code_of_north_america_leads_to_its_country(
    prefixes: dict[str, tuple[str, str]],
) -> None:
    for area_code in range(200, 1000):
        number = PhoneNumber(1, area_code * 10**7 + 2345678)
        if phonenumbers.is_valid_number(number):
            country_code, _ = longest_match(prefixes, number)
            assert country_code == phonenumbers.region_code_for_number(number), number


def test_a_named_number_type_is_never_wrong(prefixes: dict[str, tuple[str, str]]) -> None:
    codes = list(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)
    for number in [*example_numbers(), *random_numbers(codes, 4000)]:
        _, number_type = longest_match(prefixes, number)
        kind = phonenumbers.number_type(number)
        if number_type != "any" and kind != PhoneNumberType.VOICEMAIL:
            assert kind in TYPES[number_type], (number, number_type)


def test_german_numbers_are_told_apart_by_type(prefixes: dict[str, tuple[str, str]]) -> None:
    for number in random_numbers([49], 2000):
        kind = phonenumbers.number_type(number)
        expected = next((name for name, kinds in TYPES.items() if kind in kinds), "any")
        if kind != PhoneNumberType.VOICEMAIL:
            assert longest_match(prefixes, number) == ("DE", expected), number


def test_a_pattern_is_followed_digit_by_digit() -> None:
    pattern = parse(r"1(?:6[02-4]|7\d)\d{2,3}|800")
    assert is_complete(derive(derive(derive(pattern, "8"), "0"), "0"))
    assert derive(derive(derive(pattern, "1"), "6"), "1") == NOTHING
    rest = pattern
    for digit in "16300":
        assert not is_complete(rest)
        rest = derive(rest, digit)
    assert is_complete(rest)
    assert is_complete(derive(rest, "0"))
    assert derive(derive(rest, "0"), "0") == NOTHING


def test_a_pattern_beyond_the_small_language_is_refused() -> None:
    with pytest.raises(ValueError, match="not understood"):
        parse(r"1(?!2)\d+")


def test_codes_that_seeds_refer_to_exist() -> None:
    countries = {row["country_code"] for row in read_seed("countries")}
    for name in ("destination_prefixes", "mobile_networks"):
        assert {row["country_code"] for row in read_seed(name)} <= countries, name


def test_the_seeds_are_small_and_their_keys_unique() -> None:
    keys = {
        "countries": "country_code",
        "currencies": "currency_code",
        "destination_prefixes": "prefix",
        "mobile_networks": "mcc_mnc",
        "tax_rates": "tax_rate_id",
    }
    for name, key in keys.items():
        values = [row[key] for row in read_seed(name)]
        assert len(values) == len(set(values)), name
        assert len(values) <= 5000, name
    assert max(len(row["prefix"]) for row in read_seed("destination_prefixes")) <= 8
    assert sum(row["is_european_union"] == "true" for row in read_seed("countries")) == 27


@pytest.mark.parametrize(
    ("year", "sunday"),
    [(1818, "1818-03-22"), (1943, "1943-04-25"), (2000, "2000-04-23"), (2026, "2026-04-05")],
)
def test_easter_is_found_between_its_earliest_and_latest_day(year: int, sunday: str) -> None:
    assert easter_sunday(year).isoformat() == sunday


def test_the_holidays_of_a_state_are_those_of_its_law() -> None:
    days: dict[str, set[str]] = {}
    for row in read_seed("holidays"):
        days.setdefault(row["holiday_calendar_id"], set()).add(row["holiday_date"])
    assert set(days) == {"DE", *(f"DE-{state}" for state in STATES)}
    assert all(days["DE"] <= dates for dates in days.values())
    in_2026 = {one for one in days["DE-SH"] if one.startswith("2026")}
    assert in_2026 == {
        *("2026-01-01", "2026-04-03", "2026-04-06", "2026-05-01", "2026-05-14"),
        *("2026-05-25", "2026-10-03", "2026-10-31", "2026-12-25", "2026-12-26"),
    }
    assert "2026-11-01" in days["DE-NW"] - days["DE-SH"]
    assert "2026-11-18" in days["DE-SN"]
    assert "2022-03-08" not in days["DE-MV"] and "2023-03-08" in days["DE-MV"]
