"""The tariff of the house with one mistake each: `tollhouse check` names file, line and reason."""

# ruff: noqa: E501 - a table of cases reads best with one case to a line

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from orchestration.collect.seed_check import check_seeds

SEEDS = Path(__file__).parents[2] / "seeds"


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    """A copy of the house's seeds, to be broken."""
    return Path(shutil.copytree(SEEDS, tmp_path / "seeds"))


def edit(seeds: Path, file: str, old: str, new: str) -> int:
    """Replace the one line that begins with `old`; return its number."""
    path = seeds / file
    lines = path.read_text("utf-8").splitlines()
    (index,) = [number for number, line in enumerate(lines) if line.startswith(old)]
    lines[index] = new
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return index + 1


def append(seeds: Path, file: str, *rows: str) -> int:
    """Add rows at the end; return the number of the first."""
    path = seeds / file
    text = path.read_text("utf-8")
    path.write_text(text + "".join(f"{row}\n" for row in rows), "utf-8")
    return text.count("\n") + 1


def found(seeds: Path) -> list[str]:
    return [str(problem) for problem in check_seeds(seeds)]


def values(seeds: Path, file: str, start: str, **changed: str) -> str:
    """Return the line that begins with `start` with some of its columns changed."""
    lines = (seeds / file).read_text("utf-8").splitlines()
    (line,) = [one for one in lines if one.startswith(start)]
    row = dict(zip(lines[0].split(","), line.split(","), strict=True))
    return ",".join({**row, **changed}.values())


PLANS, RECURRING = "tariff/plans.csv", "tariff/recurring_charges.csv"
COUNTER_BANDS, VOLUME_COUNTERS = "policy/counter_bands.csv", "policy/volume_counters.csv"
RATES, BANDS = "tariff/usage_rates.csv", "tariff/time_bands.csv"
PROMOTIONS, ALLOWANCES = "tariff/promotions.csv", "tariff/allowances.csv"
COUPONS = "tariff/coupons.csv"
EXPECTED, FINDINGS = "policy/expected_files.csv", "policy/completeness_policy.csv"


@pytest.mark.parametrize(
    ("file", "row", "changed", "expected"),
    [
        (RATES, "UR-0004,", {"rate_amount": '"0,27"'}, "decimal: rate_amount '0,27' is not a number like 0.17"),
        (RATES, "UR-0004,", {"additional_increment": "0"}, "positive: additional_increment is 0, must be above 0"),
        (RATES, "UR-0004,", {"per_units": "0"}, "positive: per_units is 0, must be above 0"),
        (RATES, "UR-0004,", {"zone_id": "abroad"}, "orphan: zone_id 'abroad' is not in zones.zone_id"),
        (RATES, "UR-0004,", {"service": "vioce"}, "allowed: service 'vioce' is none of voice, sms, "),
        (RATES, "UR-0004,", {"usage_rate_id": "UR-0003"}, "duplicate_id: usage_rate_id 'UR-0003' stands also on line 4"),
        (RATES, "UR-0004,", {"tax_category": "X"}, "price_without_tax: tax_category 'X' has no tax rate in DE"),
        (RECURRING, "RC-0002,", {"billing_timing": "in advance"}, "allowed: billing_timing 'in advance' is none of advance, arrears"),
        (PLANS, "flat_s,", {"time_band_set_id": "summer"}, "orphan: time_band_set_id 'summer' is not in time_bands.time_band_set_id"),
        (ALLOWANCES, "AL-0005,", {"unit": "seconds"}, "allowance_never_drawn: allowance_id 'AL-0005' is in seconds, but sms is counted in events"),
        (PROMOTIONS, "PR-0002,", {"plan_id": "option_roaming"}, "promotion_never_applies: promotion_id 'PR-0002' can never apply: its plan has no usage rates"),
        (PROMOTIONS, "PR-0002,", {"computed_on": "lines"}, "allowed: computed_on 'lines' is none of exact_charges, rounded_lines"),
        (PROMOTIONS, "PR-0002,", {"line_per": "invoice"}, "allowed: line_per 'invoice' is none of subscription, account, charge"),
        (PROMOTIONS, "PR-0002,", {"discount_percent": "0"}, "promotion_never_applies: promotion_id 'PR-0002' can never apply: discount_percent is 0"),
        (PROMOTIONS, "PR-0002,", {"valid_from": "2010-01-01", "valid_to": "2020-01-01"}, "promotion_never_applies: promotion_id 'PR-0002' can never apply: its plan is not sold while it runs"),
        (PROMOTIONS, "PR-0002,", {"charge_code": "plan_fee"}, "promotion_never_applies: promotion_id 'PR-0002' can never apply: its charge code is of another charge type"),
        (ALLOWANCES, "AL-0005,", {"draw_increment": "51"}, "allowance_unclear: allowance_id 'AL-0005' can never be drawn: its draw_increment is larger"),
        (ALLOWANCES, "AL-0005,", {"draw_increment": "0"}, "positive: draw_increment is 0, must be above 0"),
        (ALLOWANCES, "AL-0005,", {"validity_days": "7"}, "allowance_unclear: allowance_id 'AL-0005' has validity_days, but is no pass"),
        (ALLOWANCES, "AL-0005,", {"draw_window": "pass"}, "allowance_unclear: allowance_id 'AL-0005' is a pass, which is granted whole"),
        (ALLOWANCES, "AL-0005,", {"draw_window": "pass", "proration": "none", "rollover_periods": "1"}, "allowance_unclear: allowance_id 'AL-0005' is a pass, which ends"),
        (ALLOWANCES, "AL-0005,", {"draw_window": "stay", "is_shared": "true"}, "allowance_unclear: allowance_id 'AL-0005' is shared, but stays are"),
        (ALLOWANCES, "AL-0005,", {"rollover_periods": "13"}, "allowance_unclear: allowance_id 'AL-0005' rolls over more than 12 periods"),
        (ALLOWANCES, "AL-0005,", {"draw_window": "month"}, "allowed: draw_window 'month' is none of period, stay, pass"),
        (PROMOTIONS, "PR-0001,", {"eligibility": "period"}, "reduction_unclear: 'PR-0001' counts duration_months from the activation, but its eligibility is period"),
        (PROMOTIONS, "PR-0001,", {"discount_percent": "101"}, "reduction_unclear: 'PR-0001' takes more than 100 %"),
        (PROMOTIONS, "PR-0001,", {"plan_id": "flat_x"}, "orphan: plan_id 'flat_x' is not in plans.plan_id"),
        (COUPONS, "CP-0001,", {"discount_amount": ""}, "reduction_unclear: 'CP-0001' needs discount_percent or discount_amount"),
        (COUPONS, "CP-0001,", {"discount_percent": "5"}, "reduction_unclear: 'CP-0001' has both discount_percent and discount_amount"),
        (COUPONS, "CP-0001,", {"invoice_count": "2"}, "reduction_unclear: 'CP-0001' is once, but has an invoice_count"),
        (COUPONS, "CP-0002,", {"invoice_count": ""}, "reduction_unclear: 'CP-0002' recurs on how many invoices? invoice_count is empty"),
    ],
)  # fmt: skip
def test_a_wrong_value_names_its_line(
    seeds: Path, file: str, row: str, changed: dict[str, str], expected: str
) -> None:
    line = edit(seeds, file, row, values(seeds, file, row, **changed))
    problems = [one for one in found(seeds) if one.startswith(f"seeds/{file}:{line}: {expected}")]
    assert len(problems) == 1, found(seeds)


def test_a_price_raised_with_a_new_row_is_sound_and_overlaps_and_gaps_are_not(seeds: Path) -> None:
    ended = values(seeds, RATES, "UR-0001,", valid_to="2026-12-01")
    edit(seeds, RATES, "UR-0001,", ended)
    raised = ended.replace("UR-0001", "UR-0101").replace("0.170000", "0.190000")
    line = append(seeds, RATES, raised.replace("2020-01-01,2026-12-01", "2026-12-01,"))
    assert found(seeds) == []
    edit(seeds, RATES, "UR-0101,", raised.replace("2020-01-01,2026-12-01", "2026-11-30,"))
    (problem,) = found(seeds)
    assert problem.startswith(f"seeds/{RATES}:{line}: overlap: rate_plan_id 'standard'")
    edit(seeds, RATES, "UR-0101,", raised.replace("2020-01-01,2026-12-01", "2026-12-02,"))
    problems = found(seeds)
    assert [one.split(": ")[1] for one in problems] == ["gap"]
    assert "nothing is valid from 2026-12-01 (line 2) to 2026-12-02" in problems[0]


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        (RECURRING, "RC-0002,", {"plan_id": "flat_s", "charge_code": "option_fee"}, f"seeds/{PLANS}:3: plan_without_price: plan_id 'flat_m' has no recurring charge from 2020-01-01: if it is free, write an amount of 0"),
        (RECURRING, "RC-0002,", {"valid_to": "2027-01-01"}, f"seeds/{PLANS}:3: plan_without_price: plan_id 'flat_m' has no recurring charge from 2027-01-01: if it is free, write an amount of 0"),
        (RATES, "UR-0004,", {"rate_plan_id": "", "valid_to": "2020-01-02"}, "seeds/tariff/zones.csv:3: zone_without_rate: zone_id 'international' has no voice rate in rate plan 'standard' from 2020-01-01"),
        (RATES, "UR-0013,", {"valid_to": "2026-11-15"}, "seeds/tariff/zones.csv:5: zone_without_rate: zone_id 'roaming_world' has no data rate in rate plan 'standard' from 2026-11-15"),
        (RATES, "UR-0011,", {"valid_to": "2026-11-15"}, "seeds/tariff/zones.csv:2: zone_without_rate: zone_id 'national' has no data rate in rate plan 'standard' from 2026-11-15"),
        (RATES, "UR-0014,", {"valid_from": "2020-01-02"}, "seeds/tariff/zones.csv:6: zone_without_rate: zone_id 'incoming' has no voice rate in rate plan 'standard' from 2020-01-01"),
        (RATES, "UR-0003,", {"time_band_id": "evening", "zone_id": "incoming"}, f"seeds/{RATES}:2: band_without_rate: voice in zone 'national' has no rate for band 'night' in rate plan 'standard' from 2020-01-01"),
    ],
)  # fmt: skip
def test_what_has_no_price_is_named(
    seeds: Path, file: str, old: str, new: dict[str, str], expected: str
) -> None:
    edit(seeds, file, old, values(seeds, file, old, **new))
    assert expected in found(seeds)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"maximum_amount": "1.00"}, "rate_half_said: maximum_amount has no maximum_strategy"),
        ({"maximum_strategy": "free"}, "rate_half_said: maximum_strategy free has no maximum_amount"),
        ({"maximum_strategy": "cap", "maximum_amount": "1.00"}, "allowed: maximum_strategy 'cap' is none of free, disconnect"),
        ({"minimum_amount": "2", "maximum_amount": "1", "maximum_strategy": "free"}, "rate_half_said: minimum_amount 2.000000 is above maximum_amount 1.000000"),
        ({"rounding_method": "up"}, "rate_half_said: rounding_method up has no rounding_decimals"),
        ({"rounding_decimals": "2"}, "rate_half_said: rounding_decimals without a rounding_method"),
        ({"additional_increment": "0"}, "positive: additional_increment is 0, must be above 0"),
    ],
)  # fmt: skip
def test_a_rate_that_says_half_a_rule_is_named(
    seeds: Path, changed: dict[str, str], expected: str
) -> None:
    edit(seeds, RATES, "UR-0004,", values(seeds, RATES, "UR-0004,", **changed))
    assert [one for one in found(seeds) if f"seeds/{RATES}:5: {expected}" in one]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("NZ1,outgoing,,+49,false,*,national,,2020-01-01,", "prefix_of_other_signs: '+49' is not a prefix of digits"),
        ("NZ1,outgoing,49,,true,*,national,,2020-01-01,", "prefix_of_other_signs: is_whole_number needs the whole number"),
        ("NZ1,outgoing,,49900,false,*,premium,,2020-01-01,", "orphan: zone_id 'premium' is not in zones.zone_id"),
        ("NZ1,sideways,,49900,false,*,national,,2020-01-01,", "allowed: direction 'sideways' is none of outgoing, incoming"),
        ("NZ1,outgoing,,49900,false,26299,national,DE,2020-01-01,", None),
    ],
)  # fmt: skip
def test_a_number_that_cannot_be_dialled_is_named(
    seeds: Path, row: str, expected: str | None
) -> None:
    line = append(seeds, "tariff/number_zones.csv", row)
    problems = found(seeds)
    if expected is None:
        assert problems == []
    else:
        assert problems[0].startswith(f"seeds/tariff/number_zones.csv:{line}: {expected}")


def test_a_zone_nobody_priced_is_named(seeds: Path) -> None:
    line = append(seeds, "tariff/zones.csv", "space,international,false,Space,Weltraum")
    assert found(seeds) == [
        f"seeds/tariff/zones.csv:{line}: zone_without_rate:"
        " zone_id 'space' has no rate in any rate plan"
    ]


@pytest.mark.parametrize(
    ("row", "changed", "expected"),
    [
        ("standard,day", {"end_time": "16:59"}, "no band from 16:59:00 to 17:00:00 on 366 of 366 days, the first 2020-01-01"),
        ("standard,day", {"weekdays": "1 2 3 4 5"}, "no band from 07:00:00 to 17:00:00 on 104 of 366 days, the first 2020-01-04"),
        ("standard,day", {"months": "1 12"}, "no band from 07:00:00 to 17:00:00 on 304 of 366 days, the first 2020-02-01"),
        ("standard,day", {"holiday_calendar_id": "DE-SH"}, "no band from 07:00:00 to 17:00:00 on 356 of 366 days, the first 2020-01-02"),
        ("standard,day", {"end_time": "16:59:59", "end_inclusive": "true"}, None),
        ("standard,evening", {"priority": "20", "end_time": "24:00"}, None),
        ("standard,evening", {"end_time": "22:00"}, None),
        ("standard,evening", {"end_time": "23:00"}, None),
        ("standard,day", {"weekdays": "0 8"}, "band_that_never_applies: weekdays '0 8' is not * or a list like 1 2 3"),
        ("standard,day", {"months": "1;2"}, "band_that_never_applies: months '1;2' is not * or a list"),
        ("standard,day", {"start_time": "7:00"}, "band_that_never_applies: '7:00' is not a time like 07:00"),
        ("standard,day", {"start_time": "17:00"}, "band_that_never_applies: end_time 17:00 is not after start_time 17:00"),
    ],
)  # fmt: skip
def test_minutes_without_a_band_are_named(
    seeds: Path, row: str, changed: dict[str, str], expected: str | None
) -> None:
    edit(seeds, BANDS, row, values(seeds, BANDS, row, **changed))
    problems = [one for one in found(seeds) if "band" in one]
    if expected is None:
        assert problems == []
    else:
        assert any(expected in one for one in problems)


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        ("FU-1,flat_s,data,roaming_eu,1000000,bytes,0.05,1048576,2020-01-01,", []),
        (
            "FU-1,flat_s,data,roaming_eu,1000000,seconds,0.05,1048576,2020-01-01,",
            [
                "fair_use_unclear: fair_use_limit_id 'FU-1' is in seconds, but data is counted otherwise"
            ],
        ),
        (
            "FU-1,option_international,data,*,1000000,bytes,0.05,1048576,2020-01-01,",
            [
                "fair_use_unclear: fair_use_limit_id 'FU-1' counts data, which its plan has no rate for"
            ],
        ),
        (
            "FU-1,flat_s,data,*,0,bytes,0.05,1048576,2020-01-01,",
            ["positive: quantity is 0, must be above 0"],
        ),
    ],
)
def test_a_fair_use_limit_that_nothing_reaches_is_named(
    seeds: Path, limit: str, expected: list[str]
) -> None:
    line = append(seeds, "tariff/fair_use_limits.csv", limit)
    assert found(seeds) == [f"seeds/tariff/fair_use_limits.csv:{line}: {one}" for one in expected]


TIERED = "GB,Data by the gigabyte,graduated,due,1,,,,,"


def tier(number: int, up_to: str = "", **changed: str) -> str:
    """Return a row of a tier of the set `GB`."""
    row = {
        "price_tier_id": f"PT-{number}",
        "price_tier_set_id": "GB",
        "up_to": up_to,
        "rate_amount": "0.01",
        "per_units": "1048576",
        "flat_amount": "0",
        "block_size": "1",
        "valid_from": "2020-01-01",
        "valid_to": "",
    }
    return ",".join({**row, **changed}.values())


@pytest.mark.parametrize(
    ("of_set", "tiers", "expected"),
    [
        (TIERED, [tier(1, "1048576"), tier(2)], []),
        (
            TIERED,
            [tier(1, "1048576")],
            [
                "price_tiers.csv:2: tiers_unclear: price_tier_set_id 'GB' has no open tier from 2020-01-01 on"
            ],
        ),
        (
            TIERED,
            [tier(1, "1048576"), tier(2, valid_to="2026-01-01")],
            [
                "price_tiers.csv:2: tiers_unclear: price_tier_set_id 'GB' has no open tier from 2026-01-01 on"
            ],
        ),
        (
            TIERED,
            [tier(1, valid_to="2026-01-01")],
            [
                "usage_rates.csv:{rate}: tiers_unclear: price_tier_set_id 'GB' has no tiers on 2026-01-01"
            ],
        ),
        (
            TIERED,
            [tier(1, "1048576"), tier(2, "1048576"), tier(3)],
            [
                "price_tiers.csv:3: overlap: price_tier_set_id 'GB', up_to '1048576': valid from 2020-01-01"
            ],
        ),
        (
            TIERED,
            [tier(1, "-1"), tier(2)],
            ["price_tiers.csv:2: positive: up_to is -1, must be above 0"],
        ),
        (
            TIERED,
            [tier(1, block_size="0")],
            ["price_tiers.csv:2: positive: block_size is 0, must be above 0"],
        ),
        (
            TIERED.replace("graduated", "steps"),
            [tier(1)],
            [
                "price_tier_sets.csv:2: allowed: pricing_model 'steps' is none of graduated, volume, "
            ],
        ),
        (
            TIERED.replace("1,,,,,", "1,3,,,,"),
            [tier(1)],
            [
                "price_tier_sets.csv:2: tiers_unclear: price_tier_set_id 'GB' is graduated: what is free or due per event"
            ],
        ),
        (
            "GB,Half,percentage,not_due,1,,,,2,1",
            [tier(1)],
            [
                "price_tier_sets.csv:2: tiers_unclear: price_tier_set_id 'GB' has a minimum above its maximum"
            ],
        ),
        (
            "GB,Half,percentage,due,1,,,,,",
            [tier(1)],
            [
                "price_tier_sets.csv:2: tiers_unclear: price_tier_set_id 'GB' is a percentage of each event: without one"
            ],
        ),
        (
            "GB,Half,percentage,not_due,1,,,,,",
            [tier(1, "5"), tier(2)],
            [
                "price_tiers.csv:3: tiers_unclear: price_tier_set_id 'GB' is a percentage of each event: it has one tier"
            ],
        ),
        (
            "GB,Half,percentage,not_due,1,,,,,",
            [tier(1, flat_amount="1")],
            [
                "price_tiers.csv:2: tiers_unclear: price_tier_set_id 'GB' is a percentage of each event: its fee"
            ],
        ),
        (
            "GB,Peak,capacity,not_due,1,,,,,",
            [tier(1)],
            [
                "price_tiers.csv:2: tiers_unclear: price_tier_set_id 'GB' is a capacity: its tiers have a flat_amount"
            ],
        ),
        (
            "GB,Peak,capacity,not_due,2,,,,,",
            [tier(1, rate_amount="0")],
            [
                "price_tier_sets.csv:2: tiers_unclear: price_tier_set_id 'GB' is capacity: it adds nothing up"
            ],
        ),
    ],
)
def test_tiers_that_leave_something_unsaid_are_named(
    seeds: Path, of_set: str, tiers: list[str], expected: list[str]
) -> None:
    rate = edit(seeds, RATES, "UR-0013,", values(seeds, RATES, "UR-0013,", price_tier_set_id="GB"))
    append(seeds, "tariff/price_tier_sets.csv", of_set)
    append(seeds, "tariff/price_tiers.csv", *tiers)
    problems = found(seeds)
    wanted = [f"seeds/tariff/{one}".format(rate=rate) for one in expected]
    assert len(problems) == len(wanted), problems
    assert all(one.startswith(start) for one, start in zip(problems, wanted, strict=True)), problems


def test_tiers_of_no_rate_and_of_two_currencies_are_named(seeds: Path) -> None:
    append(seeds, "tariff/price_tier_sets.csv", TIERED)
    append(seeds, "tariff/price_tiers.csv", tier(1))
    assert found(seeds) == [
        "seeds/tariff/price_tier_sets.csv:2: tiers_unclear: price_tier_set_id 'GB' is used by no rate"
    ]
    dollars = values(seeds, RATES, "UR-0013,", price_tier_set_id="GB", currency_code="USD")
    edit(seeds, RATES, "UR-0013,", dollars)
    line = edit(seeds, RATES, "UR-0014,", values(seeds, RATES, "UR-0014,", price_tier_set_id="GB"))
    unclear = "price_tier_set_id 'GB' is used by rates of several currencies"
    assert f"seeds/{RATES}:{line}: tiers_unclear: {unclear}" in found(seeds)


def test_a_cap_or_commitment_that_names_nothing_is_named(seeds: Path) -> None:
    caps, commitments = "tariff/charge_caps.csv", "tariff/commitments.csv"
    cap = "CC-1,At most,Höchstens,{},*,usage,{},subscription,50,EUR,1,2020-01-01,"
    append(seeds, caps, cap.format("*", "data_roaming"))
    assert found(seeds) == []
    line = append(seeds, caps, cap.replace("CC-1", "CC-2").format("*", "plan_fee"))
    least = "CM-1,Least,Mindestens,flat_s,*,*,*,account,50,EUR,days,S,2010-01-01,2020-01-01"
    append(seeds, commitments, least)
    assert found(seeds) == [
        f"seeds/{caps}:{line}: rule_never_applies: 'CC-2' can never apply:"
        " its charge code is of another charge type",
        f"seeds/{commitments}:2: rule_never_applies: 'CM-1' can never apply:"
        " its plan is not sold while it runs",
    ]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("select 'plans' as seed, csv_line, plan_id as message from plans where plan_id = 'flat_m'", ["seeds/tariff/plans.csv:3: mine: flat_m"]),
        ("select 'plans' as seed, csv_line, plan_id as message from plans where false", []),
        ("select 1 as one", ["seeds/checks/mine.sql:1: rule: returns one instead of seed, csv_line, message"]),
        ("select * from tariffs", ["seeds/checks/mine.sql:1: rule: reads tariffs, which is no seed"]),
        ("select * from read_csv('/etc/passwd')", ["seeds/checks/mine.sql:1: rule: cannot be run: "]),
        ("selec", ["seeds/checks/mine.sql:1: rule: cannot be run: "]),
    ],
)  # fmt: skip
def test_a_rule_is_one_query_in_one_file(seeds: Path, query: str, expected: list[str]) -> None:
    (seeds / "checks" / "mine.sql").write_text(query)
    problems = found(seeds)
    assert len(problems) == len(expected)
    for problem, start in zip(problems, expected, strict=True):
        assert problem.startswith(start)


def test_a_rule_waits_until_its_seeds_can_be_read(seeds: Path) -> None:
    path = seeds / PLANS
    path.write_text(path.read_text("utf-8").replace("plan_name", "name", 1), "utf-8")
    assert found(seeds) == [
        f"seeds/{PLANS}:1: header: missing: 'plan_name'",
        f"seeds/{PLANS}:1: header: not declared: 'name'",
    ]


def test_a_mistake_is_found_among_two_hundred_thousand_prefixes(seeds: Path) -> None:
    file = "reference/destination_prefixes.csv"
    rows = [f"9{number:06d},DE,any,2000-01-01," for number in range(200_000)]
    first = append(seeds, file, *rows, rows[0])
    assert found(seeds) == [
        f"seeds/{file}:{first + len(rows)}: overlap: prefix '9000000': valid from 2000-01-01, while"
        f" line {first} is valid without end"
    ]


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("valid_from", "01.01.2027", "date: valid_from '01.01.2027' is not a date like 2026-10-01"),
        ("rate_amount", "0,19", "column_count: 26 columns instead of 25"),
    ],
)
def test_what_cannot_be_read_is_told_without_what_follows_from_it(
    seeds: Path, column: str, value: str, expected: str
) -> None:
    line = edit(seeds, RATES, "UR-0008,", values(seeds, RATES, "UR-0008,", **{column: value}))
    assert found(seeds) == [f"seeds/{RATES}:{line}: {expected}"]


def test_a_file_with_other_separators_is_told_by_them(seeds: Path) -> None:
    path = seeds / RATES
    path.write_text(path.read_text("utf-8").replace(",", ";"), "utf-8")
    message = "header: the columns are separated by semicolons instead of commas"
    assert found(seeds) == [f"seeds/{RATES}:1: {message}"]


def test_a_name_that_is_nearly_right_is_shown_what_it_may_mean(seeds: Path) -> None:
    changed = values(seeds, PROMOTIONS, "PR-0002,", charge_code="voice_intrnational")
    line = edit(seeds, PROMOTIONS, "PR-0002,", changed)
    (problem,) = found(seeds)
    assert problem.startswith(f"seeds/{PROMOTIONS}:{line}: orphan: charge_code")
    assert "; near it: voice_international, " in problem


@pytest.mark.parametrize(("amount", "is_wrong"), [("9.990000", True), ("0.000000", False)])
def test_a_pass_is_not_sold_by_the_period(seeds: Path, amount: str, is_wrong: bool) -> None:
    append(seeds, PLANS, "pass_roaming,Roaming pass,option,,,true,2027-01-01,")
    fee = f"RC-9,pass_roaming,option_fee,{amount},EUR,advance,none,,,,,,S,2027-01-01,"
    line = append(seeds, RECURRING, fee)
    included = "AL-9,pass_roaming,data_eu,1 GB,1073741824,bytes,5,none,1,pass,7,0,false,2027-01-01,"
    append(seeds, ALLOWANCES, included)
    assert [one.split(": ")[:2] for one in found(seeds)] == (
        [[f"seeds/{RECURRING}:{line}", "pass_charged_by_period"]] if is_wrong else []
    )


CODES = "tariff/charge_codes.csv"


@pytest.mark.parametrize(("charge_code", "seed"), [("discount", PROMOTIONS), ("coupon", COUPONS)])
def test_what_a_rule_does_needs_a_name_on_the_invoice(
    seeds: Path, charge_code: str, seed: str
) -> None:
    lines = range(2, (seeds / seed).read_text("utf-8").count("\n") + 1)
    edit(seeds, CODES, f"{charge_code},", values(seeds, CODES, f"{charge_code},", charge_code="x"))
    assert found(seeds) == [
        f"seeds/{seed}:{line}: rule_without_charge_code: there is no charge code {charge_code} of"
        f" type {charge_code} for it to stand on the invoice under"
        for line in lines
    ]


@pytest.mark.parametrize("charge_code", ["one_off", "deposit"])
def test_what_can_come_at_any_time_needs_a_name_on_the_invoice(
    seeds: Path, charge_code: str
) -> None:
    edit(seeds, CODES, f"{charge_code},", values(seeds, CODES, f"{charge_code},", charge_code="x"))
    assert found(seeds) == [
        f"seeds/{CODES}:1: rule_without_charge_code: there is no charge code {charge_code} of"
        " type one_off for it to stand on the invoice under"
    ]


@pytest.mark.parametrize(
    ("file", "row", "expected"),
    [
        ("cdr_fields", "sms_outgoing,34..1,x,integer,x,x", "tag_path_unclear: '34..1' is no path"),
        ("cdr_fields", "sms_outgoing,99,x,roman,x,x", "allowed: codec 'roman' is none of bcd, "),
        ("cdr_records", "ts32298,again,79,,,,x", "tag_path_unclear: tag 79 is also that of data_"),
        ("cdr_records", "ts32298,new,99,,,7.u16,x", "tag_path_unclear: no field of new is in the"),
    ],
)
def test_a_tag_that_leads_nowhere_is_named(seeds: Path, file: str, row: str, expected: str) -> None:
    line = append(seeds, f"reference/{file}.csv", row)
    (problem,) = found(seeds)
    assert expected in problem
    assert expected == "tag_path_unclear: " or problem.startswith(
        f"seeds/reference/{file}.csv:{line}:"
    )


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"file_name_pattern": "usage%_{node}_{date}_{sequence}"}, "may have in file_name_pattern letters, digits, _ . + - and the parts {node} {date} {time} {sequence} {any}"),
        ({"file_name_pattern": "usage_{node}_{date}_{date}_{sequence}"}, "has a part of file_name_pattern twice"),
        ({"file_name_pattern": "usage_{date}_{node}{sequence}"}, "has in file_name_pattern two parts of any length with nothing between"),
        ({"file_name_pattern": "usage_{date}_{sequence}.csv"}, "has no {node} in file_name_pattern: any file is of every node, so node is *"),
        ({"file_name_pattern": "usage_{node}_{sequence}.csv"}, "has no {date} in file_name_pattern, which an interval needs"),
        ({"file_name_pattern": "usage_{node}_{date}.csv"}, "has no {sequence} in file_name_pattern, which is to be gapless"),
        ({"interval_minutes": "60"}, "has no {time} in file_name_pattern, which an interval below a day needs"),
        ({"interval_minutes": "60", "file_name_pattern": "usage_{node}_{date}_{time}_{sequence}.csv"}, "comes within the day: its clock must not change, so time_zone is UTC"),
        ({"interval_minutes": "1441"}, "has an interval_minutes that does not divide a day"),
        ({"sequence_from": ""}, "is gapless from no number: give sequence_from"),
        ({"sequence_from": "9", "sequence_to": "9"}, "has a sequence_to that is not above sequence_from"),
        ({"starts_with": "0"}, "starts with a number that its files never have"),
        ({"node": "*", "starts": "first_day"}, "is expected from its first day, so its node must be named"),
    ],
)  # fmt: skip
def test_an_expected_file_that_nobody_could_wait_for_is_named(
    seeds: Path, changed: dict[str, str], reason: str
) -> None:
    line = edit(seeds, EXPECTED, "usage_msc01,", values(seeds, EXPECTED, "usage_msc01,", **changed))
    problem = (
        f"seeds/{EXPECTED}:{line}: expected_file_unclear: expected_file_id 'usage_msc01' {reason}"
    )
    assert found(seeds) == [problem]


@pytest.mark.parametrize(
    ("seed", "row", "changed", "problem"),
    [
        (COUNTER_BANDS, "data,", {"low_share": "1.2"}, "counter_band_id 'data' has a low_share above its high_share"),
        (COUNTER_BANDS, "data,", {"node": "p*w"}, "counter_band_id 'data' may have * in node at its end only"),
        (VOLUME_COUNTERS, "counters,", {"counted_node": "*1"}, "counter 'volume_bytes' may have * in counted_node at its end only"),
        (VOLUME_COUNTERS, "counters,", {"measured_object": "**"}, "counter 'volume_bytes' may have * in measured_object at its end only"),
        (VOLUME_COUNTERS, "counters,", {"node": "pgw*"}, "counter 'volume_bytes' counts for one node, or for that of the same name (*)"),
        (VOLUME_COUNTERS, "counters,", {"service": "voice"}, "counter 'volume_bytes' is held against nothing: no row of counter_bands is of its service"),
    ],
)  # fmt: skip
def test_a_control_by_counters_that_judges_nothing_is_named(
    seeds: Path, seed: str, row: str, changed: dict[str, str], problem: str
) -> None:
    line = edit(seeds, seed, row, values(seeds, seed, row, **changed))
    assert found(seeds) == [f"seeds/{seed}:{line}: counter_band_unclear: {problem}"]


def test_an_expected_file_may_round_its_numbers_and_come_every_quarter_of_an_hour(
    seeds: Path,
) -> None:
    changed = {
        "file_name_pattern": "A1{node}.{date}_-_{time}{any}_{sequence}",
        "interval_minutes": "15",
        "time_zone": "UTC",
        "sequence_from": "0",
        "sequence_to": "1",
        "starts_with": "1",
    }
    edit(seeds, EXPECTED, "usage_msc01,", values(seeds, EXPECTED, "usage_msc01,", **changed))
    assert found(seeds) == []


def test_a_finding_for_which_no_policy_speaks_is_named(seeds: Path) -> None:
    ended = values(seeds, FINDINGS, "late_file,", valid_to="2030-01-01")
    edit(seeds, FINDINGS, "late_file,", ended)
    problem = "finding 'late_file' has no row without end for source_id *"
    assert found(seeds) == [f"seeds/{FINDINGS}:1: finding_without_policy: {problem}"]
