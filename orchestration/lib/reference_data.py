"""Makes the reference seeds from published facts.

`python -m orchestration.lib.reference_data SEEDS_DIR [--samples DIR]`.
Without `--samples` it writes what packages carry: prefixes (phonenumbers), countries (babel) and
currencies (iso4217), and the holidays of the German states. With `--samples DIR` also mobile
networks (`mcc-mnc-list.json`) and tax rates (`vat_rates.csv`), whose sources are files. The same
input gives the same bytes.
The packages are development dependencies: nothing that bills imports this module.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import babel
import iso4217
import phonenumbers

from orchestration.lib import holidays
from orchestration.lib.number_patterns import (
    DIGITS,
    NOTHING,
    Expression,
    derive,
    is_complete,
    parse,
)

Row = tuple[str, ...]

PREFIX_HEADER = ("prefix", "country_code", "number_type", "valid_from", "valid_to")
NETWORK_HEADER = ("mcc_mnc", "mcc", "mnc", "country_code", "operator_name")
COUNTRY_HEADER = ("country_code", "country_name", "country_name_de", "is_european_union")
CURRENCY_HEADER = ("currency_code", "numeric_code", "minor_units", "currency_name")
TAX_HEADER = (
    "tax_rate_id",
    "jurisdiction",
    "tax_type",
    "tax_category",
    "einvoice_category",
    "rate",
    "compound_order",
    "valid_from",
    "valid_to",
)

FIRST_DAY = "2000-01-01"
ANY = "any"
INTERNATIONAL = "001"
# Of the codes that ISO 3166 does not assign, AC, TA and XK stay: numbers and networks use them.
NOT_COUNTRIES = {"CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "UN", "XA", "XB", "ZZ"}
EUROPEAN_UNION = {
    *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES"),
    *("FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU"),
    *("LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"),
}

# How many digits a prefix may have where they tell countries apart, and how many behind the calling
# code where they only tell number types apart (the tariff of Germany asks for all of them).
LONGEST_PREFIX = 8
DEPTH_OF_TYPES = 2
NUMBER_TYPES = {
    "premium_rate": "premium_rate",
    "toll_free": "toll_free",
    "shared_cost": "shared_cost",
    "voip": ANY,
    "personal_number": ANY,
    "pager": ANY,
    "uan": ANY,
    "fixed_line": "fixed",
    "mobile": "mobile",
}

# A code used by several countries stands once in the file per country. Where the country that
# holds the MCC lists it only on behalf of a territory, the territory has the network.
NETWORKS_OF_TERRITORIES = {
    "23403": "JE",
    "23436": "IM",
    "23450": "JE",
    "23455": "GG",
    "23458": "IM",
    "23473": "IM",
    "310032": "GU",
    "310110": "MP",
    "310140": "GU",
    "310370": "GU",
    "310400": "GU",
    "310480": "GU",
    "311120": "GU",
    "311250": "GU",
    "311470": "VI",
    "311780": "AS",
    "42505": "PS",
    "42506": "PS",
}
# The file names some MCCs by all the territories that share them: the holder counts.
TERRITORY_GROUPS = {
    "AU/CC/CX": "AU",
    "BL/GF/GP/MF/MQ": "GP",
    "BQ/CW/SX": "CW",
    "YT/RE": "RE",
}
HOME_NETWORK = ("26299", "262", "99", "DE", "Nordwind Mobil")

TAX_JURISDICTION = "DE"
TAX_FROM = "2007-01-01"
UNTAXED_CATEGORIES = ("AE", "E", "O", "Z")


@dataclass(frozen=True)
class NumberRange:
    """One kind of number of one country, and what may still follow the digits read so far."""

    country_code: str
    number_type: str
    rest: Expression
    start: Expression

    def after(self, digit: str) -> NumberRange:
        """Return the range once `digit` has been read."""
        start = self.start if is_complete(self.start) else derive(self.start, digit)
        return NumberRange(self.country_code, self.number_type, derive(self.rest, digit), start)

    @property
    def is_possible(self) -> bool:
        return NOTHING not in (self.rest, self.start)


def find_number_ranges(calling_code: int) -> list[NumberRange]:
    """Return the ranges of a calling code; on overlap the earlier one counts."""
    ranges: list[NumberRange] = []
    for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[calling_code]:
        metadata = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(
            calling_code, region
        )
        assert metadata is not None  # noqa: S101 - for the type checker: both come from one table
        start = parse(metadata.leading_digits or "")
        for name, number_type in NUMBER_TYPES.items():
            described = getattr(metadata, name)
            if described is not None and described.national_number_pattern:
                rest = parse(described.national_number_pattern)
                ranges.append(NumberRange(region, number_type, rest, start))
    return ranges


def make_prefixes() -> list[Row]:
    """Return one row per prefix: the longest prefix of a number gives its country and type."""
    rows: list[Row] = []
    for calling_code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
        prefix = str(calling_code)
        ranges = find_number_ranges(calling_code)
        root = (ranges[0].country_code, ANY)
        limit = LONGEST_PREFIX if root[0] == "DE" else len(prefix) + DEPTH_OF_TYPES
        rows.append((prefix, *root, FIRST_DAY, ""))
        for digit in DIGITS:
            rows.extend(_split(prefix + digit, _read(ranges, digit), root, limit))
    return sorted(rows)


def _split(
    prefix: str, ranges: list[NumberRange], inherited: tuple[str, str], limit: int
) -> Iterator[Row]:
    """Yield the rows under `prefix` that differ from what the next shorter prefix says."""
    if not ranges:
        return
    countries = {each.country_code for each in ranges}
    types = {each.number_type for each in ranges}
    depth = limit if len(countries) == 1 else LONGEST_PREFIX
    if len(prefix) >= depth or (len(countries) == 1 and len(types) == 1):
        label = _label(ranges)
        if label != inherited:
            yield (prefix, *label, FIRST_DAY, "")
        return
    for digit in DIGITS:
        yield from _split(prefix + digit, _read(ranges, digit), inherited, limit)


def _label(ranges: list[NumberRange]) -> tuple[str, str]:
    country_code = ranges[0].country_code
    types = {each.number_type for each in ranges if each.country_code == country_code}
    return country_code, types.pop() if len(types) == 1 else ANY


def _read(ranges: list[NumberRange], digit: str) -> list[NumberRange]:
    """Return the ranges still possible after `digit`, without those an earlier one hides."""
    kept: dict[Expression, NumberRange] = {}
    for each in (each.after(digit) for each in ranges):
        if not each.is_possible:
            continue
        first = kept.setdefault(each.rest, each)
        # The same pattern for both: the plan does not tell mobile from fixed.
        if first.country_code == each.country_code and (
            (first.number_type, each.number_type) == ("fixed", "mobile")
        ):
            kept[each.rest] = NumberRange(first.country_code, ANY, first.rest, first.start)
    return list(kept.values())


def make_networks(source: Path) -> list[Row]:
    """Return the operational mobile networks of `mcc-mnc-list.json` and the demo's home network."""
    candidates = list(_read_networks(source))
    sizes = Counter((mcc, country_code) for _, mcc, _, country_code, _ in candidates)
    # The holder of an MCC, who has the most networks under it, comes last and so counts.
    candidates.sort(key=lambda row: sizes[row[1], row[3]])
    networks = {
        row[0]: row
        for row in [*candidates, HOME_NETWORK]
        if NETWORKS_OF_TERRITORIES.get(row[0], row[3]) == row[3]
    }
    return sorted(networks.values())


def _read_networks(source: Path) -> Iterator[Row]:
    for entry in json.loads(source.read_text(encoding="utf-8")):
        mcc, mnc = entry["mcc"], entry["mnc"] or ""
        country_code = TERRITORY_GROUPS.get(entry["countryCode"], entry["countryCode"]) or ""
        if entry["status"] == "Operational" and mnc.isdigit() and len(country_code) == 2:
            name = " ".join((entry["operator"] or entry["brand"]).split())
            yield (mcc + mnc, mcc, mnc, country_code, name)


def make_countries() -> list[Row]:
    """Return the countries of ISO 3166-1, three reserved codes in use, and 001 for none."""
    names = {str(code): str(name) for code, name in babel.Locale("en").territories.items()}
    german = {str(code): str(name) for code, name in babel.Locale("de").territories.items()}
    codes = {code for code in names if len(code) == 2} - NOT_COUNTRIES
    rows = [(code, names[code], german[code], _boolean(code in EUROPEAN_UNION)) for code in codes]
    networks = ("International networks", "Internationale Netze")
    return sorted([*rows, (INTERNATIONAL, *networks, _boolean(False))])


def make_currencies() -> list[Row]:
    """Return the currencies of ISO 4217 that have minor units; metals and tests have none."""
    return sorted(
        (each.code, f"{each.number:03d}", str(each.exponent), each.currency_name)
        for each in iso4217.Currency
        if each.exponent is not None
    )


def make_tax_rates(source: Path) -> list[Row]:
    """Return the dated standard rate of the demo's country and its untaxed categories."""
    rows: list[Row] = []
    with source.open(encoding="utf-8", newline="") as file:
        for record in csv.DictReader(file):
            is_wanted = record["territory_codes"] == TAX_JURISDICTION
            if is_wanted and record["start_date"] >= TAX_FROM:
                rate = Decimal(record["rate"])
                rows.append(_tax_rate("S", rate, record["start_date"], record["stop_date"]))
    rows.extend(_tax_rate(each, Decimal(0), TAX_FROM, "") for each in UNTAXED_CATEGORIES)
    return sorted(rows)


def _tax_rate(category: str, rate: Decimal, valid_from: str, valid_to: str) -> Row:
    tax_rate_id = f"{TAX_JURISDICTION}-vat-{category}-{valid_from}".lower()
    jurisdiction = TAX_JURISDICTION
    named = (tax_rate_id, jurisdiction, "vat", category, category)
    return (*named, f"{rate:.6f}", "0", valid_from, valid_to)


def _boolean(value: bool) -> str:
    return str(value).lower()


def write_seeds(seeds: Path, samples: Path | None) -> list[Path]:
    """Write every reference seed whose source is at hand below `seeds` and return their paths."""
    folder = seeds / "reference"
    folder.mkdir(parents=True, exist_ok=True)
    tables: dict[str, tuple[Row, list[Row]]] = {
        "destination_prefixes": (PREFIX_HEADER, make_prefixes()),
        "countries": (COUNTRY_HEADER, make_countries()),
        "currencies": (CURRENCY_HEADER, make_currencies()),
        "holidays": (holidays.HEADER, list(holidays.make_holidays())),
    }
    if samples is not None:
        networks = make_networks(samples / "mcc-mnc-list.json")
        tables["mobile_networks"] = (NETWORK_HEADER, networks)
        tables["tax_rates"] = (TAX_HEADER, make_tax_rates(samples / "vat_rates.csv"))
    return [_write(folder / f"{name}.csv", *table) for name, table in tables.items()]


def _write(path: Path, header: Row, rows: Iterable[Row]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    return path


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the seeds and say which."""
    parser = argparse.ArgumentParser(prog="reference_data", description=(__doc__ or "").strip())
    parser.add_argument("seeds", type=Path, help="the folder seeds/")
    parser.add_argument("--samples", type=Path, help="folder with the sources that are files")
    chosen = parser.parse_args(arguments)
    for path in write_seeds(chosen.seeds, chosen.samples):
        sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
